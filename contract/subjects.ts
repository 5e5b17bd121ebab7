import { AtlasError } from './errors.ts'

/** Streams and buckets that central owns. A PoP only publishes into streams and reads by DIRECT.GET. */
export const STREAMS = {
  telemetry: 'ATLAS_TELEMETRY',
  ack: 'ATLAS_ACK',
  audit: 'ATLAS_AUDIT',
} as const

/** Minutes of all PoPs, kept long enough to train from. The server fills it from the telemetry stream; nobody publishes into it. */
export const MINUTES_STREAM = 'ATLAS_MINUTES'

export const POLICY_BUCKET = 'atlas_policy'
/** The stream behind the policy bucket: what a PoP reads by DIRECT.GET. */
export const POLICY_STREAM = `KV_${POLICY_BUCKET}`

/** Object store of model packages, each named by its SHA-256; and the stream behind it. */
export const MODEL_BUCKET = 'atlas_models'
export const MODEL_STREAM = `OBJ_${MODEL_BUCKET}`
/** Bucket of signed release records: which package is champion, and which runs beside it. */
export const RELEASE_BUCKET = 'atlas_models_index'
export const RELEASE_STREAM = `KV_${RELEASE_BUCKET}`

const TOKEN = /^[A-Za-z0-9_-]{1,64}$/

/** A name that is one NATS subject token: letters, digits, `_`, `-`; 1 to 64 characters. */
export function isToken(name: string): boolean {
  return TOKEN.test(name)
}

function token(kind: string, name: string): string {
  if (!isToken(name)) {
    throw new AtlasError(
      'config/invalid',
      `${kind} must be 1 to 64 of letters, digits, "_" and "-", but is ${JSON.stringify(name)}`,
    )
  }
  return name
}

export const subjects = {
  second: (pop: string): string => `atlas.telemetry.${token('pop', pop)}.second`,
  minute: (pop: string): string => `atlas.telemetry.${token('pop', pop)}.minute`,
  decision: (pop: string): string => `atlas.audit.${token('pop', pop)}.decision`,
  alert: (pop: string): string => `atlas.audit.${token('pop', pop)}.alert`,
  ack: (pop: string, policy: string): string => `atlas.ack.${token('pop', pop)}.${token('policy', policy)}`,
  policy: (policy: string): string => `$KV.${POLICY_BUCKET}.${token('policy', policy)}`,
  /** What a PoP did with a release; five tokens, so that no policy's acknowledgement can stand there. */
  model: (pop: string): string => `atlas.ack.${token('pop', pop)}.model.release`,
  release: (series: string): string => `$KV.${RELEASE_BUCKET}.${token('series', series)}`,
  /** Which adaptations of its own series a PoP runs; two tokens, so that no series of models can stand there. */
  adaptation: (pop: string): string => `$KV.${RELEASE_BUCKET}.adapted.${token('pop', pop)}`,
  /** Metadata of an object, and its chunks (ADR-20 of NATS): the name in padded base64url, the chunks' nuid. */
  objectMeta: (name: string): string =>
    `$O.${MODEL_BUCKET}.M.${btoa(name).replaceAll('+', '-').replaceAll('/', '_')}`,
  objectChunks: (nuid: string): string => `$O.${MODEL_BUCKET}.C.${token('nuid', nuid)}`,
  directGet: (stream: string): string => `$JS.API.DIRECT.GET.${token('stream', stream)}`,
  inbox: (pop: string): string => `_INBOX_${token('pop', pop)}`,
} as const

/** What one PoP may do on the server: the whole of it. No consumer, no KV write, nobody else's subject. */
export function popPermissions(pop: string): {
  publish: { allow: string[] }
  subscribe: { allow: string[] }
} {
  const name = token('pop', pop)
  const kinds = ['telemetry', 'ack', 'audit']
  return {
    publish: {
      allow: [
        ...kinds.map((kind) => `atlas.${kind}.${name}.>`),
        ...[POLICY_STREAM, RELEASE_STREAM, MODEL_STREAM].map(subjects.directGet),
      ],
    },
    subscribe: {
      allow: [`${subjects.inbox(name)}.>`, `$KV.${POLICY_BUCKET}.>`, `$KV.${RELEASE_BUCKET}.>`],
    },
  }
}
