import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import {
  Autocomplete,
  Dialog,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Modal,
  ModalOverlay,
  SearchField,
  Text,
} from 'react-aria-components'
import { useNavigate } from 'react-router'
import type { SearchHit } from '~/api/_schema.gen'
import { search } from '~/api/queries'
import { ProblemNotice } from '~/components/Problem'
import { paths } from '~/lib/paths'
import { useSettled } from '~/lib/settled'

/** Looks through the catalogue; what is found opens by Enter or a click. */
export function SearchDialog({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('')
  const wanted = useSettled(text.trim(), 150)
  const query = useQuery(search(wanted))
  const navigate = useNavigate()
  const hits = wanted === '' ? [] : (query.data?.items ?? [])
  const open = (ref: string) => {
    onClose()
    void navigate(paths.entity(ref))
  }
  return (
    <ModalOverlay className="overlay search-overlay" isOpen isDismissable onOpenChange={(is) => !is && onClose()}>
      <Modal className="modal search-modal">
        <Dialog className="search" aria-label="Search the catalogue">
          <Autocomplete inputValue={text} onInputChange={setText}>
            {/* Escape empties a search field; here it closes the search, in whatever state. */}
            <SearchField autoFocus className="field" onClear={onClose}>
              <Label className="hidden">Search the catalogue</Label>
              <Input className="input" placeholder="Search applications, APIs, teams, templates…" />
            </SearchField>
            <ListBox
              aria-label="What was found"
              className="hits"
              items={hits.map((hit) => ({ ...hit, id: hit.entity.ref }))}
              onAction={(ref) => open(String(ref))}
              renderEmptyState={() => <p className="muted">{empty(wanted, query.isPending)}</p>}
            >
              {(hit) => <Hit hit={hit} />}
            </ListBox>
          </Autocomplete>
          {query.isError && <ProblemNotice doing="Could not search" error={query.error} />}
        </Dialog>
      </Modal>
    </ModalOverlay>
  )
}

function empty(wanted: string, pending: boolean): string {
  if (wanted === '') return 'Type a name, or part of one.'
  return pending ? 'Searching…' : `Nothing is called “${wanted}”, or described so.`
}

function Hit({ hit: { entity, excerpt } }: { hit: SearchHit }) {
  return (
    <ListBoxItem id={entity.ref} textValue={entity.title || entity.name} className="hit">
      <Text slot="label">{entity.title || entity.name}</Text>
      <Text slot="description" className="muted">
        {entity.kind}
        {excerpt ? ` · ${excerpt}` : entity.description ? ` · ${entity.description}` : ''}
      </Text>
    </ListBoxItem>
  )
}
