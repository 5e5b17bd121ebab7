import type { Random } from '../../contract/ports.ts'

/** A request of the shop's customers. */
export interface ShopRequest {
  readonly module: 'catalog' | 'cart' | 'payment' | 'shipping'
  readonly method: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly body?: string
  /** Told of the answer, so that later requests can build on it. */
  readonly made?: (answer: { readonly id?: unknown }) => void
}

const KEPT = 256

/** Draws requests in a shop's mix: 70 % catalog, 18 % cart, 5 % payment, 7 % shipping. Later ones use what earlier ones made. */
export class Shopper {
  readonly #random: Random
  readonly #carts: string[] = []
  readonly #filled: string[] = []
  readonly #paid: string[] = []

  constructor(random: Random) {
    this.#random = random
  }

  next(): ShopRequest {
    const draw = this.#random.next()
    if (draw < 0.7) return this.#browse()
    if (draw < 0.88) return this.#fillCart()
    if (draw < 0.93) return this.#pay()
    return this.#ship()
  }

  #browse(): ShopRequest {
    const draw = this.#random.next()
    const path =
      draw < 0.3
        ? `/catalog?page=${1 + this.#below(25)}`
        : draw < 0.85
          ? `/catalog/${this.#sku()}`
          : '/catalog/search?q=tent'
    return { module: 'catalog', method: 'GET', path }
  }

  #fillCart(): ShopRequest {
    const cart = this.#pick(this.#carts)
    const draw = this.#random.next()
    if (cart === undefined || draw < 0.4) {
      return {
        module: 'cart',
        method: 'POST',
        path: '/cart',
        body: '{}',
        made: ({ id }) => this.#keep(this.#carts, id),
      }
    }
    if (draw < 0.8) {
      return {
        module: 'cart',
        method: 'PUT',
        path: `/cart/${cart}/items/${this.#sku()}`,
        body: '{"quantity":1}',
        made: ({ id }) => this.#keep(this.#filled, id),
      }
    }
    return { module: 'cart', method: 'GET', path: `/cart/${cart}` }
  }

  #pay(): ShopRequest {
    const cart = this.#pick(this.#filled)
    if (cart === undefined) return this.#fillCart()
    return {
      module: 'payment',
      method: 'POST',
      path: '/payment',
      body: JSON.stringify({ cart }),
      made: ({ id }) => this.#keep(this.#paid, id),
    }
  }

  #ship(): ShopRequest {
    const payment = this.#pick(this.#paid)
    if (payment === undefined || this.#random.next() < 0.6)
      return { module: 'shipping', method: 'GET', path: `/shipping/quote/de?pieces=${1 + this.#below(5)}` }
    return {
      module: 'shipping',
      method: 'POST',
      path: '/shipping',
      body: JSON.stringify({ payment, country: 'de' }),
    }
  }

  #keep(list: string[], id: unknown): void {
    if (typeof id !== 'string') return
    if (list.length < KEPT) list.push(id)
    else list[this.#below(KEPT)] = id
  }

  #pick(list: readonly string[]): string | undefined {
    return list[this.#below(list.length)]
  }

  #sku(): string {
    return `p${String(1 + this.#below(500)).padStart(3, '0')}`
  }

  #below(limit: number): number {
    return Math.floor(this.#random.next() * limit)
  }
}
