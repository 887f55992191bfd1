-- Tables for typst: repeated heads, spanners, notes below, and no wider than the page.

local M = {}

local ALIGNMENT = {AlignLeft = 'left', AlignCenter = 'center', AlignRight = 'right', AlignDefault = 'left'}
local THICK, THIN = '0.8pt', '0.4pt'
local MARK = '/*end of cell*/'

-- the size of text that has to be broken into lines, by how many columns share the width
local function density(columns)
  if columns <= 5 then return '0.88em' end
  return columns <= 8 and '0.82em' or '0.75em'
end

local function each_cell(t, visit)
  local function rows(list)
    for _, row in ipairs(list) do for _, cell in ipairs(row.cells) do visit(cell) end end
  end
  rows(t.head.rows)
  for _, body in ipairs(t.bodies) do
    rows(body.head)
    rows(body.body)
  end
  rows(t.foot.rows)
end

-- turn the contents of each cell into markup; the writer is called once for all, since each call takes long
local function write_cells(t, written)
  local all = pandoc.Blocks {}
  each_cell(t, function(cell)
    all:extend(cell.contents)
    all:insert(pandoc.RawBlock('typst', MARK))
  end)
  local rest = written(all)
  each_cell(t, function(cell)
    local first, last = rest:find(MARK, 1, true)
    local text = rest:sub(1, first - 1):gsub('^%s+', ''):gsub('%s+$', '')
    rest = rest:sub(last + 1)
    cell.contents = {pandoc.RawBlock('typst', text)}
  end)
end

local function text_of(cell)
  return cell.contents[1].text
end

local function content(cell, bold)
  local text = text_of(cell)
  return bold and text ~= '' and '[#text(hyphenate: false)[#strong[' .. text .. ']]]' or '[' .. text .. ']'
end

-- columns that each row fills, with what rows above reach down into them
local function placed(rows, visit)
  local busy = {}
  for number, row in ipairs(rows) do
    local column = 1
    for _, cell in ipairs(row.cells) do
      while (busy[column] or 0) >= number do column = column + 1 end
      visit(number, column, cell)
      for taken = column, column + cell.col_span - 1 do busy[taken] = number + cell.row_span - 1 end
      column = column + cell.col_span
    end
  end
end

-- characters of the longest word and of the longest line of each column, from the cells that stand in it alone
local function extents(t, columns)
  local words, lines = {}, {}
  for column = 1, columns do words[column], lines[column] = 1, 1 end
  local function grow(_, column, cell)
    if cell.col_span > 1 then return end
    local text = text_of(cell):gsub('#"(.-)";', '%1')
    lines[column] = math.max(lines[column], utf8.len(text) or #text)
    text = text:gsub('\u{200b}', ' ')
    for word in text:gmatch('[^ \n]+') do words[column] = math.max(words[column], utf8.len(word) or #word) end
  end
  placed(t.head.rows, grow)
  for _, body in ipairs(t.bodies) do placed(body.body, grow) end
  return words, lines
end

local function options(cell, alignment, extra)
  local out = pandoc.List()
  if cell.col_span > 1 then out:insert('colspan: ' .. cell.col_span) end
  if cell.row_span > 1 then out:insert('rowspan: ' .. cell.row_span) end
  local own = cell.alignment ~= 'AlignDefault' and ALIGNMENT[cell.alignment] or alignment
  out:insert('align: ' .. own .. (extra.vertical and ' + ' .. extra.vertical or ''))
  if extra.stroke then out:insert('stroke: ' .. extra.stroke) end
  return table.concat(out, ', ')
end

local function head(t, alignments)
  local out = pandoc.List()
  placed(t.head.rows, function(_, column, cell)
    local spans = cell.col_span > 1 and #cell.contents > 0
    local extra = {vertical = 'bottom', stroke = spans and ('(bottom: %s)'):format(THIN)}
    local where = cell.col_span > 1 and 'center' or alignments[column]
    out:insert(('table.cell(%s)%s,'):format(options(cell, where, extra), content(cell, true)))
  end)
  if #out == 0 then return '' end
  return ('table.header(table.hline(stroke: %s),\n%s\ntable.hline(stroke: %s)),'):format(THICK, table.concat(out, '\n'), THIN)
end

local function group(body, columns)
  local out = pandoc.List()
  for _, row in ipairs(body.head) do
    local words = row.cells[1] and content(row.cells[1], true) or '[]'
    out:insert(('table.header(level: 2, repeat: false, table.cell(colspan: %d)%s),'):format(columns, words))
  end
  return out
end

local function rows_of(body, alignments)
  local out = pandoc.List()
  placed(body.body, function(_, column, cell)
    out:insert(('table.cell(%s)%s,'):format(options(cell, alignments[column], {}), content(cell)))
  end)
  return out
end

local function notes(t)
  local out = pandoc.List()
  for _, row in ipairs(t.foot.rows) do
    for _, cell in ipairs(row.cells) do
      local text = text_of(cell)
      if text ~= '' then out:insert('[' .. text .. '],') end
    end
  end
  return table.concat(out, ' ')
end

-- a table as typst code; `written` turns blocks into markup, `label` an identifier into a label
function M.write(t, written, label)
  write_cells(t, written)
  local alignments = pandoc.List(t.colspecs):map(function(spec) return ALIGNMENT[spec[1]] end)
  local count = #alignments
  local words, longest = extents(t, count)
  local lines = pandoc.List {
    ('data-table(words: (%s,), lines: (%s,), dense: %s, notes: (%s),')
      :format(table.concat(words, ', '), table.concat(longest, ', '), density(count), notes(t)),
    head(t, alignments),
  }
  for _, body in ipairs(t.bodies) do
    lines:extend(group(body, count))
    lines:extend(rows_of(body, alignments))
  end
  lines:insert(('table.hline(stroke: %s))'):format(THICK))
  local code = table.concat(lines, '\n')
  if #t.caption.long == 0 then return '#' .. code .. label(t.identifier) end
  local caption = written {pandoc.Plain(pandoc.utils.blocks_to_inlines(t.caption.long))}
  return ('#figure(kind: table, caption: [%s],\n%s)%s'):format(caption, code, label(t.identifier))
end

return M
