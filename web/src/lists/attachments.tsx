import { Anchor } from '@mantine/core'

import type { Attachment } from '../attachments/api'
import { formatBytes } from '../components/formatBytes'
import { TimeAgo } from '../components/TimeAgo'
import type { ListDefinition } from '../grid/types'
import { PersonName } from '../people/PersonName'

export const attachmentsList: ListDefinition<Attachment> = {
  noun: 'attachments',
  label: 'Attachments',
  itemNames: { one: 'attachment', many: 'attachments' },
  rowKey: (file) => file.id,
  keyFields: ['id'],
  columns: [
    {
      id: 'name',
      header: 'Name',
      type: 'text',
      cell: (file) => (
        <Anchor href={file.url} download={file.name}>
          {file.name}
        </Anchor>
      ),
    },
    { id: 'type', header: 'Type', type: 'text' },
    {
      id: 'size',
      header: 'Size',
      type: 'number',
      value: (file) => formatBytes(file.size),
      alignEnd: true,
      width: 7,
    },
    { id: 'owner', header: 'Uploaded by', type: 'person', cell: ({ owner }) => <PersonName username={owner} /> },
    {
      id: 'created_at',
      header: 'Uploaded',
      type: 'time',
      cell: (file) => <TimeAgo at={file.created_at} />,
      width: 8.5,
    },
  ],
}
