type Child = Node | string | null

/** An element with attributes and children. Text only ever becomes text nodes: nothing of a PoP is read as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value)
  node.append(...children.filter((child) => child !== null))
  return node
}

export function vector(
  tag: string,
  attributes: Readonly<Record<string, string | number>>,
  text?: string,
): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag)
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value))
  if (text !== undefined) node.textContent = text
  return node
}

/** The element of an id that the page's HTML has. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const node = document.getElementById(id)
  if (!node) throw new Error(`no element #${id}`)
  return node as T
}

const shown = new WeakMap<Element, string>()

/** Replaces an element's children, but only when `facts` differ from those shown: a selection or focus inside survives. */
export function show(parent: Element, facts: unknown, render: () => readonly Node[]): void {
  const key = JSON.stringify(facts)
  if (shown.get(parent) === key) return
  shown.set(parent, key)
  parent.replaceChildren(...render())
}

export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text
}
