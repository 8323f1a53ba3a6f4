import classes from './TemperatureBadge.module.css'
import { guessTemperatureClass, temperatureLabels } from './temperatureClass'

/** TemperatureBadge shows the temperature class that the name of a freezer states. */
export function TemperatureBadge({ freezerName }: { freezerName: string }) {
  const temperature = guessTemperatureClass(freezerName)
  return (
    temperature && (
      <span className={classes.badge} data-class={temperature}>
        {temperatureLabels[temperature]}
      </span>
    )
  )
}
