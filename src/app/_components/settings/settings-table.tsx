import { Badge } from '../ui/badge.tsx'
import { Section } from '../ui/section.tsx'
import type { SettingGroup } from './settings-list.ts'

/** What is set and what it means; nothing is changed here, because processes read their environment when they start. */
export function SettingsTable({ groups }: { groups: readonly SettingGroup[] }) {
  return (
    <div className="grid gap-6">
      {groups.map((group) => (
        <Section key={group.title} title={group.title}>
          <dl>
            {group.settings.map((setting) => (
              <div
                key={setting.name}
                className="grid items-baseline gap-x-6 border-b py-2 last:border-b-0 md:grid-cols-[19rem_minmax(0,1fr)_minmax(0,1.4fr)]"
              >
                <dt className="num break-all">{setting.name}</dt>
                <dd className="flex min-w-0 items-baseline gap-2">
                  <span className="num min-w-0 break-all text-foreground">{setting.value}</span>
                  {!setting.isDefault && <Badge tone="outline">set</Badge>}
                </dd>
                <dd className="text-muted-foreground">{setting.meaning}</dd>
              </div>
            ))}
          </dl>
        </Section>
      ))}
    </div>
  )
}
