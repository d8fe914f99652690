// Only for bootstrap.cjs, and as plain as that one.
'use strict'

const fs = require('fs')
const path = require('path')

module.exports = lock

/** Two runs must not install or build at once: the second waits. The lock of a run that is gone is taken over. */
async function lock(file, isStopped) {
  const refuse = (error) => {
    const why =
      path.resolve(__dirname, '..') + ' is not writable (' + error.code + '). Run it once as the owner of that folder.'
    return sentence('Sluice must install or build something, and ' + why)
  }
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true })
  } catch (error) {
    throw refuse(error)
  }
  let told = false
  for (;;) {
    try {
      fs.writeFileSync(file, String(process.pid), { flag: 'wx' })
      return () => {
        fs.rmSync(file, { force: true })
      }
    } catch (error) {
      if (error.code !== 'EEXIST') throw refuse(error)
    }
    const pid = Number(readOwner(file))
    // Without a number it was made this moment, or its maker was killed right then.
    if (pid > 0 ? !isAlive(pid) : ageMs(file) > 5000) fs.rmSync(file, { force: true })
    else {
      if (!told) process.stdout.write('Another run (process ' + pid + ') is installing or building; waiting for it.\n')
      told = true
      await new Promise((settle) => {
        setTimeout(settle, 250)
      })
      if (isStopped()) throw sentence('Stopped.')
    }
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readOwner(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function ageMs(file) {
  try {
    return Date.now() - fs.statSync(file).mtimeMs
  } catch {
    return 0
  }
}

function sentence(text) {
  const error = new Error(text)
  error.sentence = text
  return error
}
