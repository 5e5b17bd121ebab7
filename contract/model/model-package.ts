import { AtlasError } from '../errors.ts'
import { type ModelManifest, parseManifest } from './manifest.ts'
import { sha256Hex, verifyModelFile } from './model-file.ts'
import { checkOpset } from './onnx-opset.ts'

/** A model as the registry keeps it and a PoP takes it. */
export interface ModelPackage {
  readonly manifest: ModelManifest
  readonly model: Uint8Array<ArrayBuffer>
}

/** "ATLM", then the format's version. */
const MAGIC = Uint8Array.of(0x41, 0x54, 0x4c, 0x4d, 1)
const HEAD = MAGIC.length + 4
/** Largest package that is taken. */
export const MAX_PACKAGE_BYTES = 16 * 1024 * 1024

/**
 * Puts a model and its manifest into one run of bytes, so that one hash names both:
 * `magic[5] manifestBytes:u32le manifest:UTF-8 JSON model`.
 */
export function packModel(manifest: unknown, model: Uint8Array): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(manifest))
  const bytes = new Uint8Array(HEAD + text.length + model.length)
  bytes.set(MAGIC)
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true)
  bytes.set(text, HEAD)
  bytes.set(model, HEAD + text.length)
  return bytes
}

/**
 * Opens a package that should have this hash, and checks it as far as that goes without running it: whole, of this
 * build's features and shapes, of the opset it says.
 * @throws AtlasError `model/unreadable` or `model/shape`, with the reason
 */
export async function openPackage(bytes: Uint8Array<ArrayBuffer>, hash: string): Promise<ModelPackage> {
  const actual = await sha256Hex(bytes)
  if (actual !== hash)
    throw unreadable(
      `its sha256 is ${actual.slice(0, 12)}…, not ${hash.slice(0, 12)}… (${bytes.length} bytes)`,
    )
  return readPackage(bytes)
}

/** `openPackage` for bytes whose hash is yet to be told. */
export async function readPackage(bytes: Uint8Array<ArrayBuffer>): Promise<ModelPackage> {
  if (bytes.length < HEAD || !MAGIC.every((byte, index) => bytes[index] === byte))
    throw unreadable('it does not begin as a model package does')
  const manifestBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true)
  const end = HEAD + manifestBytes
  if (end > bytes.length) throw unreadable('it is truncated within its manifest')
  const manifest = parseManifest(parseJson(new TextDecoder().decode(bytes.subarray(HEAD, end))))
  const model = bytes.slice(end)
  await verifyModelFile(model, manifest.forecaster.file)
  checkOpset(model, manifest.forecaster.opset)
  return { manifest, model }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable('its manifest is not JSON')
  }
}

function unreadable(why: string): AtlasError {
  return new AtlasError('model/unreadable', `model package refused: ${why}`)
}
