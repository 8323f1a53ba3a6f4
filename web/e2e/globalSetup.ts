import { finishCoverage, prepareCoverage } from './coverage'
import { expectAllScreens, resetScreenCoverage } from './screenCoverage'
import { buildServer } from './server'

/** globalSetup runs before all journeys. It returns the teardown that runs after them. */
export default function globalSetup() {
  buildServer()
  prepareCoverage()
  resetScreenCoverage()
  return async () => {
    if (process.env.CI) expectAllScreens() // locally, only some journeys may have run
    await finishCoverage()
  }
}
