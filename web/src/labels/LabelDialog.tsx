import { MultiSelect, NativeSelect, NumberInput, SimpleGrid, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'

import { Dialog } from '../components/Dialog'
import { QueryBoundary } from '../components/QueryBoundary'
import { SegmentedButtons } from '../components/SegmentedButtons'
import { labelPreviewQuery, type LabelTemplate, labelTemplatesQuery, maxLabels } from './api'
import { LabelFiles } from './LabelFiles'
import { LabelPreview } from './LabelPreview'
import { countLabels, firstUuid, type LabelSource } from './parts'
import { type LabelSettings, lineOptions, maxLines, resolutions, useLabelSettings } from './settings'
import { SheetDrawing } from './SheetDrawing'

interface Props {
  source: LabelSource
  onClose: () => void
}

/** LabelDialog prints labels of containers on sheets (PDF) or on a label printer (ZPL). */
export default function LabelDialog({ source, onClose }: Props) {
  const query = useQuery(labelTemplatesQuery)
  const count = countLabels(source)
  return (
    <Dialog
      onClose={onClose}
      title={count === 1 ? 'Print label' : `Print ${count.toLocaleString('en')} labels`}
      size="50rem"
    >
      {count > maxLabels ? (
        <Text>
          One file has at most {maxLabels.toLocaleString('en')} labels. Add a filter to the list, and print the labels in
          parts.
        </Text>
      ) : (
        <QueryBoundary query={query}>
          {(templates) => <LabelForm source={source} templates={templates} count={count} />}
        </QueryBoundary>
      )}
    </Dialog>
  )
}

interface LabelFormProps {
  source: LabelSource
  templates: readonly LabelTemplate[]
  count: number
}

function LabelForm({ source, templates, count }: LabelFormProps) {
  const [stored, changeSettings] = useLabelSettings()
  const [chosenSkip, setSkip] = useState(0)
  const template = templates.find(({ name }) => name === stored.template) ?? templates[0]
  const settings = { ...stored, template: template?.name ?? '' }
  const { isSuccess, isPlaceholderData } = useQuery(labelPreviewQuery(firstUuid(source), settings))
  if (!template) return null
  const perPage = template.rows * template.columns
  const skip = Math.min(chosenSkip, perPage - 1)
  return (
    <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="lg">
      <Stack gap="sm">
        <NativeSelect
          label="Labels"
          data={templates.map(({ name, title }) => ({ value: name, label: title }))}
          value={template.name}
          onChange={(event) => changeSettings({ template: event.currentTarget.value })}
        />
        <CodeFields settings={settings} onChange={changeSettings} isRoll={perPage === 1} />
        {perPage > 1 && (
          <>
            <NumberInput
              label="Labels already used on the first sheet"
              description={`Of ${perPage}. Or click on the first free label in the drawing.`}
              min={0}
              max={perPage - 1}
              allowDecimal={false}
              value={skip}
              onChange={(value) => setSkip(Math.max(0, Number(value) || 0))}
            />
            <SheetDrawing template={template} skip={skip} count={count} onChange={setSkip} />
          </>
        )}
      </Stack>
      <Stack gap="sm">
        <LabelPreview uuid={firstUuid(source)} settings={settings} template={template} />
        <LabelFiles source={source} settings={settings} perPage={perPage} skip={skip} isReady={isSuccess && !isPlaceholderData} />
      </Stack>
    </SimpleGrid>
  )
}

interface CodeFieldsProps {
  settings: LabelSettings
  onChange: (changes: Partial<LabelSettings>) => void
  isRoll: boolean
}

function CodeFields({ settings, onChange, isRoll }: CodeFieldsProps) {
  return (
    <>
      <SegmentedButtons
        label="Code"
        options={[
          { value: 'qr', label: 'QR' },
          { value: 'datamatrix', label: 'Data Matrix' },
        ]}
        value={settings.symbology}
        onChange={(symbology) => onChange({ symbology })}
      />
      <MultiSelect
        label="Lines of text"
        description={`Up to ${maxLines}. An empty field takes no line.`}
        data={lineOptions}
        maxValues={maxLines}
        value={settings.lines}
        onChange={(lines) => onChange({ lines })}
        comboboxProps={{ withinPortal: false }}
      />
      {isRoll && (
        <NativeSelect
          label="Printer resolution for ZPL"
          data={resolutions.map((value) => ({ value, label: `${value} dpi` }))}
          value={settings.dpi}
          onChange={(event) => onChange({ dpi: event.currentTarget.value })}
        />
      )}
    </>
  )
}
