import { Compass } from 'lucide-react'
import { useRouteError } from 'react-router'
import { Button, ButtonLink } from '~/components/Button'
import { Empty } from '~/components/Empty'
import { Notice } from '~/components/Notice'
import { Page } from '~/components/Page'
import { paths } from '~/lib/paths'

/** Stands in the place of a page that could not be drawn, or whose program could not be loaded. */
export function Failed() {
  const error = useRouteError()
  const message = error instanceof Error ? error.message : String(error)
  return (
    <Page title="This page could not be shown">
      <Notice tone="bad" title="Something in the console itself went wrong" live>
        <p>
          <code>{message}</code>
        </p>
        <p>Next: load the page anew. The console may have been updated since you opened it.</p>
        <p>
          <Button onPress={() => window.location.reload()}>Load the page anew</Button>
        </p>
      </Notice>
    </Page>
  )
}

/** There is no such page. */
export function NotFound() {
  return (
    <Page title="There is no such page">
      <Empty icon={Compass} title="The address leads nowhere">
        <p>It may have been mistyped, or what it showed is gone.</p>
        <ButtonLink to={paths.home}>Go to the first page</ButtonLink>
      </Empty>
    </Page>
  )
}
