import { DurableObject } from 'cloudflare:workers'

export class PopObject extends DurableObject {}
