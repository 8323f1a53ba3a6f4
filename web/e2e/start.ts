import { concludeCoverage, prepareCoverage } from './coverage'
import { build } from './server'

/** start is what comes before all journeys; what it answers is what comes after them. */
export default function start() {
  build()
  prepareCoverage()
  return concludeCoverage
}
