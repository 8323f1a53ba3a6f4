import { build } from './server'

export default function start() {
  build()
}
