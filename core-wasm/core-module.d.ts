/** The compiled core, not yet instantiated. */
declare const module: WebAssembly.Module
export default module
