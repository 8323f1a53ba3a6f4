import { concludeCoverage, prepareCoverage } from './coverage'
import { expectLooks, forgetLooks } from './screenCoverage'
import { build } from './server'

/** start is what comes before all journeys; what it answers is what comes after them. */
export default function start() {
  build()
  prepareCoverage()
  forgetLooks()
  return async () => {
    if (process.env.CI) expectLooks() // elsewhere a part of the journeys may be run
    await concludeCoverage()
  }
}
