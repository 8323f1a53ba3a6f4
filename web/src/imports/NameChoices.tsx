import { NativeSelect, SimpleGrid, Text } from '@mantine/core'

import { Section } from '../components/Section'
import { type Candidate, candidateLabels } from './candidates'
import type { ImportTarget } from './importTargets'
import type { UnclearName } from './names'

interface Props {
  target: ImportTarget
  /** Texts that name several rows. */
  names: readonly UnclearName[]
  onChoose: (name: UnclearName, candidate: Candidate) => void
}

/** NameChoices asks which row a text names, if several rows have the name. */
export function NameChoices({ target, names, onChoose }: Props) {
  if (names.length === 0) return null
  return (
    <Section title="Names that several rows have" id="names">
      <Text size="sm" mb="xs">
        Choose which one is meant. The choice applies to all rows with this name.
      </Text>
      <SimpleGrid cols={{ base: 1, xs: 2, md: 3 }}>
        {names.map((name) => {
          const labels = candidateLabels(name.candidates)
          return (
            <NativeSelect
              key={`${name.field} ${name.text}`}
              label={`${target.fields[name.field]}: ${name.text}`}
              data={[
                { value: '', label: 'Choose…' },
                ...name.candidates.map(({ value }, i) => ({ value, label: labels[i] ?? value })),
              ]}
              value=""
              onChange={(event) => {
                const candidate = name.candidates.find(({ value }) => value === event.currentTarget.value)
                if (candidate) onChoose(name, candidate)
              }}
            />
          )
        })}
      </SimpleGrid>
    </Section>
  )
}
