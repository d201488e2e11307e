/** docker pull: its layers together. To a terminal it prints sizes, elsewhere only what each layer has come to. */
import { sizeOf } from '../quantity.ts'
import type { Recogniser, Sighting } from '../sighting.ts'

interface Layer {
  /** In bytes; null: not said yet. */
  readonly size: number | null
  readonly received: number
  readonly step: 'waits' | 'comes' | 'came' | 'done' | 'was-there'
}

const LINE =
  /^\s*([0-9a-f]{12}|[0-9a-f]{64}): (Pulling fs layer|Waiting|Downloading|Verifying Checksum|Download complete|Extracting|Pull complete|Already exists)\b(.*)$/
const SIZES = /([\d.]+ ?[kMGT]?B)\/([\d.]+ ?[kMGT]?B)\s*$/
const END = /^Status: (Downloaded newer image|Image is up to date) for (.+)$/
const NEW: Layer = { size: null, received: 0, step: 'waits' }
/** What is unpacked still is no image. */
const ALMOST = 99

export function createDocker(): Recogniser {
  const layers = new Map<string, Layer>()
  let highest = 0
  return (line) => {
    const image = END.exec(line)?.[2]
    if (image !== undefined && layers.size > 0) {
      layers.clear()
      highest = 0
      return { percent: 100, message: image }
    }
    const [, id = '', what = '', rest = ''] = LINE.exec(line) ?? []
    if (id === '') return null
    layers.set(id, after(layers.get(id) ?? NEW, what, rest))
    const sum = sumOf([...layers.values()])
    // Layers become known one after the other.
    highest = Math.max(highest, sum.percent ?? 0)
    return { ...sum, percent: highest }
  }
}

function after(layer: Layer, what: string, rest: string): Layer {
  const [, received = '', size = ''] = SIZES.exec(rest) ?? []
  switch (what) {
    case 'Downloading':
      return size === '' ? { ...layer, step: 'comes' } : { size: sizeOf(size), received: sizeOf(received), step: 'comes' }
    case 'Verifying Checksum':
    case 'Download complete':
    case 'Extracting':
      return { size: layer.size ?? (size === '' ? null : sizeOf(size)), received: layer.size ?? layer.received, step: 'came' }
    case 'Pull complete':
      return { ...layer, received: layer.size ?? 0, step: 'done' }
    case 'Already exists':
      return { ...layer, step: 'was-there' }
    default:
      return layer
  }
}

function sumOf(all: readonly Layer[]): Sighting {
  const layers = all.filter(({ step }) => step !== 'was-there')
  const finished = layers.filter(({ step }) => step === 'done').length
  const message = `${all.length - layers.length + finished} of ${all.length} layers`
  const sizes = layers.flatMap(({ size }) => (size === null ? [] : [size]))
  if (finished === layers.length) return { percent: 100, message }
  if (sizes.length === 0) {
    const done = layers.reduce((sum, { step }) => sum + (step === 'done' ? 1 : step === 'came' ? 0.5 : 0), 0)
    return { percent: Math.min(ALMOST, Math.floor((done / layers.length) * 100)), message }
  }
  const known = sizes.reduce((sum, size) => sum + size, 0)
  const current = layers.reduce((sum, { received }) => sum + received, 0)
  // Those that say no size yet are taken to be like the others.
  const expected = (known / sizes.length) * layers.length
  const percent = Math.min(ALMOST, (current / expected) * 100)
  return { percent, current, ...(sizes.length === layers.length ? { total: known } : {}), unit: 'B', message }
}
