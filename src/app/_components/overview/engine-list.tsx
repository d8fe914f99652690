'use client'

import Link from 'next/link'
import type { EngineView } from '../../../server/domain/engine.ts'
import { EngineState } from '../engines/engine-state.tsx'
import { Rate } from '../ui/quantity.tsx'

/** Engines in one line each; the rest is on their page. */
export function EngineList({ engines }: { engines: readonly EngineView[] }) {
  return (
    <ul>
      {engines.map((engine) => (
        <li key={engine.id} className="flex h-9 items-center gap-4 border-b last:border-b-0">
          <Link href="/engines" className="w-28 truncate font-medium hover:underline">
            {engine.name}
          </Link>
          <EngineState state={engine.state} />
          <Rate
            bytesPerSecond={engine.state === 'healthy' ? (engine.stats?.bucketBytesPerSecond ?? null) : null}
            className="ml-auto text-right"
          />
        </li>
      ))}
    </ul>
  )
}
