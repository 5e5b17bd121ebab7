import { type Call, Refusal, type Reply, type Route } from './http.ts'

export interface Product {
  readonly sku: string
  readonly name: string
  readonly cents: number
  readonly description: string
}

const ADJECTIVES = [
  'Alpine',
  'Amber',
  'Brisk',
  'Cobalt',
  'Dapper',
  'Echo',
  'Fern',
  'Granite',
  'Harbor',
  'Indigo',
]
const NOUNS = [
  'Backpack',
  'Bottle',
  'Camera',
  'Desk lamp',
  'Headphones',
  'Jacket',
  'Keyboard',
  'Notebook',
  'Tent',
  'Watch',
]
const SERIES = ['One', 'Two', 'Pro', 'Mini', 'Max']

/** The same 500 products in every process. */
export const PRODUCTS: readonly Product[] = ADJECTIVES.flatMap((adjective, a) =>
  NOUNS.flatMap((noun, n) =>
    SERIES.map((series, s) => ({
      sku: `p${String(a * 50 + n * 5 + s + 1).padStart(3, '0')}`,
      name: `${adjective} ${noun} ${series}`,
      cents: 990 + ((a * 7919 + n * 104_729 + s * 1299) % 240) * 100,
      description: `The ${noun.toLowerCase()} of the ${adjective} line, ${series} edition.`,
    })),
  ),
)

const BY_SKU = new Map(PRODUCTS.map((product) => [product.sku, product]))

/** @throws Refusal 404 */
export function productOf(sku: string): Product {
  const product = BY_SKU.get(sku)
  if (!product) throw new Refusal(404, `there is no product ${sku}`)
  return product
}

/** The catalog module: lists, finds and shows products. It keeps no state. */
export function catalogRoutes(): Route[] {
  return [
    { method: 'GET', path: '/catalog', handle: list },
    { method: 'GET', path: '/catalog/search', handle: search },
    {
      method: 'GET',
      path: '/catalog/:sku',
      handle: ({ params }) => ({
        body: productOf(params.sku ?? ''),
        headers: { 'cache-control': 'public, max-age=60' },
      }),
    },
  ]
}

function list({ query }: Call): Reply {
  const page = Number(query.get('page') ?? 1)
  const size = Number(query.get('size') ?? 20)
  if (!Number.isInteger(page) || page < 1) throw new Refusal(400, 'page must be a number from 1')
  if (!Number.isInteger(size) || size < 1 || size > 100)
    throw new Refusal(400, 'size must be a number from 1 to 100')
  return { body: { total: PRODUCTS.length, page, products: PRODUCTS.slice((page - 1) * size, page * size) } }
}

function search({ query }: Call): Reply {
  const words = (query.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) throw new Refusal(400, 'q must have at least one word')
  const found = PRODUCTS.filter(({ name, description }) => {
    const text = `${name} ${description}`.toLowerCase()
    return words.every((word) => text.includes(word))
  })
  return { body: { total: found.length, products: found.slice(0, 20) } }
}
