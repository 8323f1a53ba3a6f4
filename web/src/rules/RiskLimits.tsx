import { limitsByRisk } from './limitsByRisk'
import classes from './RiskLimits.module.css'

const levels = [
  { risk: 'low', label: 'Low risk', scaling: '×2' },
  { risk: 'medium', label: 'Medium risk', scaling: 'as set' },
  { risk: 'high', label: 'High risk', scaling: 'half, rounded down, +1' },
] as const

/** RiskLimits shows the limit of a rule for each risk level. */
export function RiskLimits({ code, limit }: { code: number; limit: string }) {
  const limits = limitsByRisk(code, limit)
  return (
    <dl className={classes.limits}>
      {levels.map(({ risk, label, scaling }) => (
        <div key={risk}>
          <dt>{label}</dt>
          <dd>
            <b>{limits?.[risk] ?? '–'}</b>
            <span>{scaling}</span>
          </dd>
        </div>
      ))}
    </dl>
  )
}
