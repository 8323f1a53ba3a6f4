import { concludeCoverage, prepareCoverage } from './coverage'
import { expectAllScreens, resetScreenCoverage } from './screenCoverage'
import { buildServer } from './server'

/** globalSetup is what comes before all journeys; what it answers is what comes after them. */
export default function globalSetup() {
  buildServer()
  prepareCoverage()
  resetScreenCoverage()
  return async () => {
    if (process.env.CI) expectAllScreens() // elsewhere a part of the journeys may be run
    await concludeCoverage()
  }
}
