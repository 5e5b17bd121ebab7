import { DurableObject } from 'cloudflare:workers'

export class ForecastObject extends DurableObject {}
