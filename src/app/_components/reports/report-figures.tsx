import type { ReportView } from '../../../server/domain/report.ts'
import { Bytes, Duration, Quantity, Rate } from '../ui/quantity.tsx'
import { Fact, FactList } from './fact-list.tsx'

/** The named figures of product.md A2, A3, A5 and A7, and what the run went by. */
export function ReportFigures({ view }: { view: ReportView }) {
  const known = view.transfer.metrics.activeMs > 0
  return (
    <div className="grid gap-x-10 gap-y-6 sm:grid-cols-2">
      {(known || view.transfer.partsDone > 0) && <Measured view={view} />}
      <Settings view={view} />
    </div>
  )
}

function Measured({ view }: { view: ReportView }) {
  const { metrics } = view.transfer
  const { figures } = view
  const known = metrics.activeMs > 0
  const counted = (value: number) => (known ? value : null)
  const readBytes = metrics.sourceBytes + metrics.cacheBytes
  return (
    <>
      <FactList title="Throughput">
        <Fact name="Average">
          <Rate bytesPerSecond={figures.averageBytesPerSecond} />
        </Fact>
        <Fact name="Peak from the source">
          <Rate bytesPerSecond={figures.peakSourceBytesPerSecond || null} />
        </Fact>
        <Fact name="Peak into the bucket">
          <Rate bytesPerSecond={figures.peakBytesPerSecond || null} />
        </Fact>
        <Fact name="Time to first byte">
          <Millis ms={metrics.timeToFirstByteMs} />
        </Fact>
        <Fact name="Read from the source">
          <Bytes bytes={counted(metrics.sourceBytes)} />
        </Fact>
        {metrics.cacheBytes > 0 && (
          <Fact name="Read from the cache">
            <Bytes bytes={metrics.cacheBytes} />
          </Fact>
        )}
        <Fact name="Sent to the bucket">
          <Bytes bytes={counted(metrics.bucketBytes)} />
        </Fact>
      </FactList>
      <FactList title="Backpressure">
        <Fact name="Source paused">
          <Quantity unit="×" value={counted(metrics.pauses)} />
        </Fact>
        <Fact name="Source went on">
          <Quantity unit="×" value={counted(metrics.resumes)} />
        </Fact>
        <Fact name="Paused in all">
          <Millis ms={counted(metrics.pausedMs)} />
        </Fact>
        <Fact name="Paused on average">
          <Millis ms={counted(metrics.averagePauseMs)} />
        </Fact>
        <Fact name="Active time">
          <Quantity unit="%" value={known ? metrics.activePercent.toFixed(1) : null} />
        </Fact>
        <Fact name="Most bytes held">
          <Bytes bytes={counted(metrics.peakBufferedBytes)} />
        </Fact>
      </FactList>
      <FactList title="Lanes and requests">
        <Fact name="Most read lanes">
          <Quantity value={metrics.peakReadLanes || null} />
        </Fact>
        <Fact name="Most upload lanes">
          <Quantity value={metrics.peakUploadLanes || null} />
        </Fact>
        <Fact name="Requests to the source">
          <Quantity value={counted(metrics.sourceRequests)} />
        </Fact>
        <Fact name="Requests to the bucket">
          <Quantity value={counted(metrics.bucketRequests)} />
        </Fact>
        <Fact name="Requests tried again">
          <Quantity value={counted(metrics.sourceRetries)} />
        </Fact>
        <Fact name="Parts sent again">
          <Quantity value={counted(metrics.partRetries)} />
        </Fact>
      </FactList>
      <FactList title="Parts">
        <Fact name="Done">
          <Quantity value={view.transfer.partsDone} />
          {view.transfer.partsTotal !== null && (
            <>
              {' of '}
              <Quantity value={view.transfer.partsTotal} />
            </>
          )}
        </Fact>
        <Fact name="On its way, on average">
          <Seconds seconds={figures.averagePartSeconds} />
        </Fact>
        <Fact name="Median">
          <Seconds seconds={figures.medianPartSeconds} />
        </Fact>
        <Fact name="Slowest">
          <Seconds seconds={figures.slowestPartSeconds} />
        </Fact>
      </FactList>
      <FactList title="Buffers">
        <Fact name="Buffers made">
          <Quantity value={counted(metrics.buffersAllocated)} />
        </Fact>
        <Fact name="Buffers used again">
          <Quantity value={counted(metrics.bufferReuses)} />
        </Fact>
        <Fact name="Copies">
          <Quantity value={counted(metrics.bufferCopies)} />
        </Fact>
        <Fact name="Bytes copied">
          <Bytes bytes={counted(metrics.bytesCopied)} />
        </Fact>
        <Fact name="Copied of what was read">
          <Quantity unit="%" value={readBytes > 0 ? ((metrics.bytesCopied / readBytes) * 100).toFixed(0) : null} />
        </Fact>
      </FactList>
      <FactList title="Progress">
        <Fact name="Looks at the progress">
          <Quantity value={counted(metrics.progressCalculations)} />
        </Fact>
        <Fact name="Written">
          <Quantity unit="×" value={counted(metrics.progressUpdates)} />
        </Fact>
        <Fact name="Callbacks">
          <Quantity value={counted(metrics.progressCallbacks)} />
        </Fact>
        <Fact name="Written of all looks">
          <Quantity unit="%" value={known ? shareText(metrics.progressUpdateRatio) : null} />
        </Fact>
        <Fact name="Engines at work">
          <Duration seconds={known ? metrics.activeMs / 1000 : null} />
        </Fact>
      </FactList>
    </>
  )
}

function Settings({ view: { settings, transfer } }: { view: ReportView }) {
  const { run } = settings
  return (
    <>
      <FactList title="Settings of the transfer">
        <Fact name="Part size">
          <Bytes bytes={transfer.partSizeBytes} />
          <Note>{settings.wantedPartSizeBytes === null ? (settings.partSizing ?? 'by the engine') : 'your own'}</Note>
        </Fact>
        <Fact name="Upload lanes">
          <Quantity value={settings.wantedUploadLanes ?? run?.uploadLanes ?? null} />
          <Note>{settings.wantedUploadLanes === null ? 'by the engine' : 'your own'}</Note>
        </Fact>
        <Fact name="Bandwidth limit">
          {transfer.bandwidthLimitBytesPerSecond === null ? (
            'none'
          ) : (
            <Rate bytesPerSecond={transfer.bandwidthLimitBytesPerSecond} />
          )}
        </Fact>
        <Fact name="Priority">
          <Quantity value={transfer.priority} />
        </Fact>
        <Fact name="When the key is taken">{settings.ifExists ?? '–'}</Fact>
        <Fact name="Expected checksum">{settings.expectedChecksum?.toUpperCase() ?? 'none given'}</Fact>
      </FactList>
      <FactList title="Settings of the engine then">
        <Fact name="Profile">{run?.profile ?? '–'}</Fact>
        <Fact name="Read lanes">{run ? (run.readLanes ?? 'found out') : '–'}</Fact>
        <Fact name="Slice size">
          <Bytes bytes={run?.sliceSizeBytes ?? null} />
        </Fact>
        <Fact name="Memory budget">
          <Bytes bytes={run?.memoryBudgetBytes ?? null} />
        </Fact>
        <Fact name="High and low water">
          <Bytes bytes={run?.highWaterBytes ?? null} />
          {run && (
            <>
              {' and '}
              <Bytes bytes={run.lowWaterBytes} />
            </>
          )}
        </Fact>
        <Fact name="Parts are">{run ? (run.shape === 'held' ? 'held in memory' : 'streamed') : '–'}</Fact>
        <Fact name="HTTP client">{run?.httpClient ?? '–'}</Fact>
      </FactList>
    </>
  )
}

function Note({ children }: { children: string }) {
  return <span className="text-dim"> · {children}</span>
}

/** Milliseconds up to a second, then seconds with a tenth, then the usual. */
export function Millis({ ms }: { ms: number | null }) {
  if (ms === null) return <Quantity value={null} />
  if (ms < 1000) return <Quantity unit="ms" value={Math.round(ms)} />
  return <Seconds seconds={ms / 1000} />
}

function Seconds({ seconds }: { seconds: number | null }) {
  if (seconds === null || seconds >= 60) return <Duration seconds={seconds} />
  return <Quantity unit="s" value={seconds.toFixed(seconds < 10 ? 2 : 1)} />
}

const shareText = (ratio: number) => (ratio * 100).toFixed(ratio < 0.1 ? 2 : 0)
