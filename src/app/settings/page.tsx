import { dehydrate, HydrationBoundary } from '@tanstack/react-query'
import type { Metadata } from 'next'
import { Appearance } from '../_components/settings/appearance.tsx'
import { settingGroups } from '../_components/settings/settings-list.ts'
import { SettingsTable } from '../_components/settings/settings-table.tsx'
import { Tokens } from '../_components/settings/tokens.tsx'
import { Section } from '../_components/ui/section.tsx'
import { getQueryClient, trpc } from '../_trpc/server.ts'

export const metadata: Metadata = { title: 'Settings' }

export default async function Page() {
  const queryClient = getQueryClient()
  await queryClient.prefetchQuery({ ...trpc.tokens.list.queryOptions(), retry: false })
  return (
    <div className="grid max-w-5xl gap-8 px-4 py-4 md:px-6">
      <Section title="Colours">
        <Appearance />
      </Section>
      <HydrationBoundary state={dehydrate(queryClient)}>
        <Tokens />
      </HydrationBoundary>
      <div>
        <h2 className="font-semibold text-base">Settings of this process</h2>
        <p className="mt-0.5 mb-3 max-w-2xl text-muted-foreground">
          Each process reads them from its environment when it starts: set them where you start Sluice, and start it
          again. Give web and engines the same values.
        </p>
        <SettingsTable groups={settingGroups(process.env)} />
      </div>
    </div>
  )
}
