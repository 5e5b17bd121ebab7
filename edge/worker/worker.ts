export { PopObject } from '../pop/pop.object.ts'
export { ForecastObject } from '../predict/forecast.object.ts'

export default { fetch: () => new Response('ok') }
