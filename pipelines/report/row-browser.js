// Runs in the reader's browser. Everything from a row goes through textContent: it is untrusted text.
const rows = JSON.parse(document.getElementById('rows').textContent)
const form = document.getElementById('filters')
const list = document.getElementById('list')
const detail = document.getElementById('detail')
const heads = [...document.querySelectorAll('th button')]
const MOST_ROWS = 500
let order = { field: 'task_name', sign: 1 }

fillSelects()
form.addEventListener('input', showList)
form.addEventListener('submit', (event) => event.preventDefault())
for (const head of heads) head.addEventListener('click', () => sortBy(head.dataset.field))
showList()

function fillSelects() {
  for (const select of form.querySelectorAll('select')) {
    const values = [...new Set(rows.map((row) => String(row[select.name])))].sort((a, b) => a.localeCompare(b))
    for (const value of values) select.append(new Option(`${select.name}: ${value}`, value))
  }
}

function showList() {
  const found = rows.filter(isWanted).sort(compareRows)
  for (const head of heads) head.parentElement.setAttribute('aria-sort', sortStateOf(head.dataset.field))
  list.replaceChildren(...found.slice(0, MOST_ROWS).map(listRow))
  const shown = found.length > MOST_ROWS ? `, the first ${MOST_ROWS} shown` : ''
  document.getElementById('count').textContent = `${found.length} of ${rows.length}${shown}`
}

// The same column again turns the order round.
function sortBy(field) {
  order = { field, sign: order.field === field ? -order.sign : 1 }
  showList()
}

function sortStateOf(field) {
  if (order.field !== field) return 'none'
  return order.sign === 1 ? 'ascending' : 'descending'
}

// What is absent comes last in either direction.
function compareRows(a, b) {
  const [left, right] = [a[order.field], b[order.field]]
  if (left === null || right === null) return Number(left === null) - Number(right === null)
  if (typeof left === 'number') return order.sign * (left - right)
  return order.sign * String(left).localeCompare(String(right))
}

function isWanted(row) {
  const text = form.elements.text.value.toLowerCase()
  const place = `${row.task_name} ${row.id} ${row.task_id} ${row.repo_name ?? ''}`.toLowerCase()
  if (!place.includes(text)) return false
  return [...form.querySelectorAll('select')].every(({ name, value }) => value === '' || String(row[name]) === value)
}

function listRow(row) {
  const line = document.createElement('tr')
  const speedup = row.speedup === null ? '' : `${row.speedup.toFixed(2)}×`
  const decision = row.selected ? 'selected' : (row.refused_by ?? '')
  line.append(element('td', row.task_name), element('td', row.status))
  for (const number of [speedup, row.reasoning_tokens ?? '']) {
    const cell = element('td', number)
    cell.className = 'number'
    line.append(cell)
  }
  for (const text of [row.language, row.origin, decision]) line.append(element('td', text))
  line.tabIndex = 0
  line.addEventListener('click', () => choose(row, line))
  line.addEventListener('keydown', (event) => event.key === 'Enter' && choose(row, line))
  return line
}

function choose(row, line) {
  for (const other of list.children) other.removeAttribute('aria-selected')
  line.setAttribute('aria-selected', 'true')
  detail.replaceChildren(...describe(row))
  detail.scrollTop = 0
}

function describe(row) {
  const head = [
    element('h3', `${row.task_name} · candidate ${row.id} · task ${row.task_id}`),
    element('p', [row.repo_name ?? row.origin, row.license ?? 'no licence'].join(' · ')),
  ]
  if (row.texts === null)
    return [...head, element('p', 'The texts of this row are not in the report; use curate inspect.')]
  const { code, reference, reasoning, evaluations, decisions } = row.texts
  return [
    ...head,
    ...block('code', code),
    ...block('reference', reference),
    ...block('reasoning', reasoning ?? 'none'),
    ...block('evaluations', JSON.stringify(evaluations, null, 2)),
    ...block('decisions', JSON.stringify(decisions, null, 2)),
  ]
}

function block(title, text) {
  const body = element('pre', text)
  body.className = title
  body.tabIndex = 0
  return [element('h3', title), body]
}

function element(name, text) {
  const made = document.createElement(name)
  made.textContent = String(text)
  return made
}
