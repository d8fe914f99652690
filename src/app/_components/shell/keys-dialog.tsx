'use client'

import { Dialog, DialogBody, DialogContent } from '../ui/dialog.tsx'
import { Kbd } from '../ui/kbd.tsx'
import { KEY_HELP } from './key-map.ts'

/** The list of keys. */
export function KeysDialog(props: { open: boolean; onOpenChange: (open: boolean) => void }) {
  return (
    <Dialog open={props.open} onOpenChange={props.onOpenChange}>
      <DialogContent title="Keys" className="sm:max-w-sm">
        <DialogBody className="pb-4">
          <dl>
            {KEY_HELP.map(({ keys, does }) => (
              <div key={does} className="flex min-h-9 items-center justify-between gap-4 border-b last:border-b-0">
                <dd>{does}</dd>
                <dt className="flex shrink-0 gap-1">
                  {keys.map((key) => (
                    <Kbd key={key}>{key}</Kbd>
                  ))}
                </dt>
              </div>
            ))}
          </dl>
        </DialogBody>
      </DialogContent>
    </Dialog>
  )
}
