import { Day } from '../components/Day'
import { Icon, type IconName } from '../components/icons'
import { ButtonLink, TextLink } from '../components/links'
import { TimeAgo } from '../components/TimeAgo'
import { usePersonName } from '../people/PersonName'
import { usePermission } from '../session/api'
import classes from './ScanCard.module.css'
import type { ScanOutcome } from './types'

export const outcomeIcons: Record<ScanOutcome['tone'], IconName> = { fine: 'check', warning: 'alert', critical: 'close' }

/** ScanCard shows the outcome of the last scan: an icon and words in the colour of their meaning; what, where and who. */
export function ScanCard({ outcome }: { outcome: ScanOutcome }) {
  const { tone, title, what, uuid, where, who, since, dueOn, message } = outcome
  const personName = usePersonName()
  return (
    <div className={classes.card} data-tone={tone}>
      <Icon name={outcomeIcons[tone]} size={48} />
      <div className={classes.text}>
        <h2 className={classes.title}>
          {title}
        </h2>
        <p className={classes.what}>
          {uuid ? (
            <TextLink to="/containers/$uuid" params={{ uuid }} c="inherit" underline="always">
              {what}
            </TextLink>
          ) : (
            what
          )}
        </p>
        {where && <p>{where}</p>}
        {who && (
          <p>
            {personName(who)}
            {since && (
              <>
                , <TimeAgo at={since} />
              </>
            )}
            {dueOn && (
              <>
                , due back on <Day day={dueOn} />
              </>
            )}
          </p>
        )}
        {message && <p>{message}</p>}
        <RegisterLink outcome={outcome} />
      </div>
    </div>
  )
}

/** RegisterLink creates the container of an unknown code. */
function RegisterLink({ outcome: { unknownCode } }: { outcome: ScanOutcome }) {
  const canEdit = usePermission('operator')
  if (!unknownCode || !canEdit) return null
  return (
    <ButtonLink to="/containers/new" search={{ uuid: unknownCode }} variant="default" mt="xs">
      Register {unknownCode.length > 24 ? 'this code' : unknownCode}
    </ButtonLink>
  )
}
