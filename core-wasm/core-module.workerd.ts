/** The compiled core in workerd: a static import, through a file of its own because wrangler knows a module's type by the specifier. */
export { default } from './build/core.wasm'
