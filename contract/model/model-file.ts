import { AtlasError } from '../errors.ts'

/** What a manifest says of a file. */
export interface ModelFile {
  readonly path: string
  readonly sizeBytes: number
  readonly sha256: string
}

/**
 * Checks that a model file is the one its manifest speaks of.
 * @throws AtlasError `model/unreadable` when it is shorter, longer or altered
 */
export async function verifyModelFile(bytes: Uint8Array<ArrayBuffer>, file: ModelFile): Promise<void> {
  if (bytes.byteLength !== file.sizeBytes) {
    const fault = bytes.byteLength < file.sizeBytes ? 'is truncated' : 'is too long'
    throw new AtlasError(
      'model/unreadable',
      `${file.path} ${fault}: ${bytes.byteLength} bytes, its manifest says ${file.sizeBytes}`,
    )
  }
  const actual = await sha256Hex(bytes)
  if (actual === file.sha256) return
  throw new AtlasError(
    'model/unreadable',
    `${file.path} is not what its manifest speaks of: sha256 ${actual.slice(0, 12)}…, expected ${file.sha256.slice(0, 12)}…`,
  )
}

/** SHA-256 in lower-case hexadecimal. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', bytes)
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
