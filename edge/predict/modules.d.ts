/** Files that wrangler's `Data` rule brings in as bytes. */
declare module '*.onnx' {
  const bytes: ArrayBuffer
  export default bytes
}

declare module '*.bin' {
  const bytes: ArrayBuffer
  export default bytes
}

/** The compiled runtime, not yet instantiated. */
declare module 'onnxruntime-web/ort-wasm-simd-threaded.wasm' {
  const module: WebAssembly.Module
  export default module
}
