import { Plus } from 'lucide-react'
import Link from 'next/link'
import { LogoMark } from '../shell/logo-mark.tsx'
import { Button } from '../ui/button.tsx'
import { Kbd } from '../ui/kbd.tsx'

/** The first screen of a new install: what Sluice does, in one sentence, and how to begin. */
export function NewInstall() {
  return (
    <div className="mx-auto flex max-w-xl flex-col items-center px-4 py-24 text-center">
      <LogoMark className="size-9" />
      <h2 className="mt-5 text-balance font-semibold text-xl tracking-tight">
        Big files from any link into your bucket, with proof
      </h2>
      <p className="mt-2 text-balance text-base text-muted-foreground">
        Sluice reads a link with many connections at once, streams it into an S3-compatible bucket, goes on after a
        crash where it was, and proves at the end that the object is the whole file.
      </p>
      <div className="mt-6 flex flex-wrap justify-center gap-2">
        <Button asChild size="lg">
          <Link href="/transfers/new">
            <Plus aria-hidden />
            New transfer
          </Link>
        </Button>
        <Button asChild size="lg" variant="outline">
          <Link href="/buckets">Add a bucket</Link>
        </Button>
      </div>
      <p className="mt-6 text-dim text-xs pointer-coarse:hidden">
        Press <Kbd>c</Kbd> anywhere for a new transfer, <Kbd>?</Kbd> for all keys.
      </p>
    </div>
  )
}
