import { PRODUCTS } from './catalog.ts'
import type { Route } from './http.ts'

/** The shop's front page. */
export function pageRoutes(): Route[] {
  return [{ method: 'GET', path: '/', handle: () => ({ body: PAGE }) }]
}

const ROWS = PRODUCTS.slice(0, 12)
  .map(
    ({ sku, name, cents }) =>
      `<li><a href="/catalog/${sku}">${name}</a> <span>${(cents / 100).toFixed(2)} €</span></li>`,
  )
  .join('\n')

const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Storefront</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1rem; }
  ul { list-style: none; padding: 0; } li { display: flex; justify-content: space-between; border-bottom: 1px solid #ddd; }
</style>
<h1>Storefront</h1>
<p>The example shop: <a href="/catalog">catalog</a>, cart, payment, <a href="/shipping/quote/de">shipping</a>.</p>
<ul>
${ROWS}
</ul>
`
