import type { EdgeVars } from '../control/config.ts'
import { createEdge } from './edge.ts'

export { ModelGauge } from '../measure/model-gauge.ts'
export { PopObject } from '../pop/pop.object.ts'
export { ForecastObject } from '../predict/forecast.object.ts'

const edge = createEdge()

/** The whole Worker: ATLAS in front of the origins of its policy. */
export default {
  fetch: (request, env, context) => edge(request, env, context, null),
} satisfies ExportedHandler<EdgeVars>
