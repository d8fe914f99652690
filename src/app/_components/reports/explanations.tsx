import type { AdviceHeading } from '../../../server/domain/report/report-advice.ts'

/** The short form of docs/reports.md, so that a report explains itself where it is read, printed or opened from a file. */
const EXPLANATIONS: readonly { id: AdviceHeading; title: string; text: string }[] = [
  {
    id: 'the-source-was-the-limit',
    title: 'The source was the limit',
    text: 'Lanes to the source were open and waited for bytes, and whatever came went on at once. With SLUICE_READ_LANES=auto an engine tries more lanes now and then and keeps what pays, so that no number you set would do better at that source and from that address.',
  },
  {
    id: 'the-bucket-was-the-limit',
    title: 'The bucket was the limit',
    text: 'More bytes waited for the bucket than the low-water mark allows, so reading was held back. A second counts as the bucket’s as long as there is such a backlog, also between two pauses: reading faster would only have made the backlog longer.',
  },
  {
    id: 'the-memory-budget-was-the-limit',
    title: 'The memory budget was the limit',
    text: 'Bytes are reserved before they are asked for. Here the budget was used up by bytes that were still to come, or by other transfers of the same engine.',
  },
  {
    id: 'the-processor-was-the-limit',
    title: 'The processor was the limit',
    text: 'An engine moves bytes in one thread. When that has no time left, source and bucket look slow although they wait for us.',
  },
  {
    id: 'the-bandwidth-limit-was-the-limit',
    title: 'The bandwidth limit was the limit',
    text: 'The transfer or its engine has a limit and kept to it: lanes waited although more could have been read.',
  },
  {
    id: 'reading-paused-often',
    title: 'Reading paused often',
    text: 'Reading pauses at the high-water mark and goes on at the low one. Many short pauses are no harm by themselves; they cost when the source has to speed up again each time.',
  },
  {
    id: 'parts-failed',
    title: 'Parts failed',
    text: 'A part that fails is sent again, held ones from memory, streamed ones are read again from the source. A few are nothing; many cost time and requests.',
  },
  {
    id: 'requests-to-the-source-failed',
    title: 'Requests to the source failed',
    text: 'A broken request goes on from the byte where it broke. Where a source pushes back (429, 503, refused connections), lanes are taken away and Retry-After is honoured.',
  },
  {
    id: 'it-stood-still',
    title: 'It stood still',
    text: 'No engine wrote a sample: the transfer was paused, waited before another try, or no engine was there.',
  },
  {
    id: 'the-source-was-read-again',
    title: 'The source was read again',
    text: 'An MD5 or SHA needs the bytes in order, and the parts came in any. So the source is read once more before there is an object at the key. A CRC32, CRC32C or CRC64NVME needs no second read.',
  },
  {
    id: 'short-transfers',
    title: 'Short transfers',
    text: 'Looking at the source, planning, completing and proving take some requests, whatever the size.',
  },
  {
    id: 'it-failed',
    title: 'It failed',
    text: 'The sentence says what was wrong and what to do. Finished parts of a failed transfer are kept for a while, and a retry goes on from them where the source is still the same.',
  },
]

/** How to read a report: what is behind its words. Only what this report speaks of, and the words of the bar. */
export function Explanations({ ids }: { ids: readonly AdviceHeading[] }) {
  const shown = EXPLANATIONS.filter(({ id }) => ids.includes(id))
  return (
    <div className="grid gap-x-10 gap-y-4 py-3 text-muted-foreground sm:grid-cols-2">
      <p className="max-w-[44rem] sm:col-span-2">
        Once a second each engine notes what moved and what held the source up: a backlog for the bucket, a wait for
        memory or for the bandwidth limit, a thread without time left. What is left of the second is the source’s own.
        Peaks are those of one step of the curve, and over long runs a step is longer than a second.
      </p>
      {shown.map(({ id, title, text }) => (
        <div className="scroll-mt-16 break-inside-avoid" id={id} key={id}>
          <h3 className="font-medium text-foreground">{title}</h3>
          <p className="mt-0.5">{text}</p>
        </div>
      ))}
    </div>
  )
}
