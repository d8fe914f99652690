export { formatDuration } from '../../../server/domain/duration.ts'
