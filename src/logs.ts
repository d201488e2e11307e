/** Reading output that comes from elsewhere as that of a process of one's own is read: in pieces, by lines. */
export { type ChunkSource, checkTail, LogAttachment } from './effects/logs/attach.ts'
export { fromPosition, type LogPlaces } from './effects/logs/position.ts'
export { callForEach, linesOf } from './effects/logs/watch.ts'
