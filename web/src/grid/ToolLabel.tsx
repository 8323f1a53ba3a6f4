import { Icon, type IconName } from '../components/icons'
import classes from './DataGrid.module.css'

/** ToolLabel is the label of a button in a toolbar. On a narrow screen only its icon is visible. */
export function ToolLabel({ icon, children }: { icon: IconName; children: string }) {
  return (
    <>
      <Icon name={icon} size={16} />
      <span className={classes.toolLabel}>{children}</span>
    </>
  )
}
