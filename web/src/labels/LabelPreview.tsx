import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { type LabelTemplate, labelPreviewQuery } from './api'
import { firstLabelBox } from './cropLabel'
import classes from './LabelPreview.module.css'
import type { LabelSettings } from './settings'

interface Props {
  uuid: string
  settings: LabelSettings
  template: LabelTemplate
}

/** LabelPreview shows the label of a container as it is printed. */
export function LabelPreview({ uuid, settings, template }: Props) {
  const { data: svg, error } = useQuery(labelPreviewQuery(uuid, settings))
  const ref = useRef<HTMLDivElement>(null)
  const { label_width: width, label_height: height } = template
  useEffect(() => {
    if (!svg) return
    // The SVG shows the whole sheet. Only the first label is of interest.
    const image = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement
    image.setAttribute('viewBox', firstLabelBox(svg, width, height) ?? `0 0 ${width} ${height}`)
    image.removeAttribute('width')
    image.removeAttribute('height')
    ref.current?.replaceChildren(document.importNode(image, true))
  }, [svg, width, height])
  if (error) return <ProblemAlert problem={toProblem(error)} />
  return (
    <div className={classes.preview} role="img" aria-label="Preview of the first label">
      <div ref={ref} className={classes.label} style={{ aspectRatio: `${width} / ${height}` }} />
    </div>
  )
}
