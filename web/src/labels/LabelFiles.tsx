import { Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'

import { toProblem } from '../api/problem'
import { ProblemAlert } from '../components/form'
import { Icon } from '../components/icons'
import { labelCheckQuery, labelsUrl } from './api'
import { countLabels, type LabelPart, type LabelSource, splitLabels } from './parts'
import type { LabelSettings } from './settings'

interface Props {
  source: LabelSource
  settings: LabelSettings
  perPage: number
  skip: number
  /** False while the preview loads: the server renders few files at a time. */
  isReady: boolean
}

const maxChecked = 500 // labels

/** LabelFiles links to the files with the labels. They open in another tab, where the browser prints them. */
export function LabelFiles({ source, settings, perPage, skip, isReady }: Props) {
  const parts = splitLabels(source, perPage, skip)
  // Whether a label can be printed does not depend on where it is on the sheet.
  const requests = splitLabels(source, perPage, 0).map(({ params }) => ({ params, settings, skip: 0, format: 'pdf' as const }))
  const { error } = useQuery({
    ...labelCheckQuery(requests),
    enabled: isReady && countLabels(source) <= maxChecked,
  })
  if (error) return <ProblemAlert problem={toProblem(error)} />
  return (
    <Stack gap="xs">
      {parts.map((part) => (
        <PartFiles
          key={part.first}
          part={part}
          settings={settings}
          isRoll={perPage === 1}
          isOnly={parts.length === 1}
        />
      ))}
      <Text size="sm">Print at 100 % (“actual size”), not scaled to the page, or the labels miss the sheet.</Text>
    </Stack>
  )
}

interface PartFilesProps {
  part: LabelPart
  settings: LabelSettings
  isRoll: boolean
  isOnly: boolean
}

function PartFiles({ part, settings, isRoll, isOnly }: PartFilesProps) {
  const { params, skip, first, last } = part
  const request = { params, settings, skip }
  const pdf = labelsUrl({ ...request, format: 'pdf' })
  const range = isOnly ? '' : ` ${first}–${last}`
  const fileName = `labels${isOnly ? '' : `-${first}-${last}`}`
  return (
    <Stack gap={4}>
      {!isOnly && (
        <Text size="sm" fw={600}>
          Labels {first}–{last}
          {skip > 0 && `, from label ${skip + 1} of the sheet`}
        </Text>
      )}
      <Group gap="xs">
        <Button
          component="a"
          href={pdf}
          target="_blank"
          rel="noreferrer"
          variant={isOnly ? 'filled' : 'default'}
          leftSection={<Icon name="print" size={16} />}
        >
          Open PDF{range}
        </Button>
        <Button component="a" href={pdf} download={`${fileName}.pdf`} variant="default">
          Download PDF{range}
        </Button>
        {isRoll && (
          <Button component="a" href={labelsUrl({ ...request, format: 'zpl' })} download={`${fileName}.zpl`} variant="default">
            Download ZPL{range}
          </Button>
        )}
      </Group>
    </Stack>
  )
}
