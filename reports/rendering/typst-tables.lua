-- Tables for typst: repeated heads, spanners, notes below, and no wider than the page.

local M = {}

local ALIGNMENT = {AlignLeft = 'left', AlignCenter = 'center', AlignRight = 'right', AlignDefault = 'left'}
local THICK, THIN = '0.8pt', '0.4pt'

-- the size of text that has to be broken into lines, by how many columns share the width
local function density(columns)
  if columns <= 5 then return '0.88em' end
  return columns <= 8 and '0.82em' or '0.75em'
end

-- a width for a first column of words among many columns
local function stub(t, columns, written)
  local longest = 0
  for _, body in ipairs(t.bodies) do
    for _, row in ipairs(body.body) do
      local words = row.cells[1] and written(row.cells[1].contents):gsub('#"(.-)";', '%1') or ''
      longest = math.max(longest, utf8.len(words) or #words)
    end
  end
  return columns > 6 and longest > 24 and '22%' or 'auto'
end

local function content(cell, written, bold)
  local text = written(cell.contents)
  return bold and text ~= '' and '[#strong[' .. text .. ']]' or '[' .. text .. ']'
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

local function options(cell, alignment, extra)
  local out = pandoc.List()
  if cell.col_span > 1 then out:insert('colspan: ' .. cell.col_span) end
  if cell.row_span > 1 then out:insert('rowspan: ' .. cell.row_span) end
  local own = cell.alignment ~= 'AlignDefault' and ALIGNMENT[cell.alignment] or alignment
  out:insert('align: ' .. own .. (extra.vertical and ' + ' .. extra.vertical or ''))
  if extra.stroke then out:insert('stroke: ' .. extra.stroke) end
  return table.concat(out, ', ')
end

local function head(t, written, alignments)
  local out = pandoc.List()
  placed(t.head.rows, function(_, column, cell)
    local spans = cell.col_span > 1 and #cell.contents > 0
    local extra = {vertical = 'bottom', stroke = spans and ('(bottom: %s)'):format(THIN)}
    local where = cell.col_span > 1 and 'center' or alignments[column]
    out:insert(('table.cell(%s)%s,'):format(options(cell, where, extra), content(cell, written, true)))
  end)
  if #out == 0 then return '' end
  return ('table.header(table.hline(stroke: %s),\n%s\ntable.hline(stroke: %s)),'):format(THICK, table.concat(out, '\n'), THIN)
end

local function group(body, written, columns)
  local out = pandoc.List()
  for _, row in ipairs(body.head) do
    local words = row.cells[1] and content(row.cells[1], written, true) or '[]'
    out:insert(('table.header(level: 2, repeat: false, table.cell(colspan: %d)%s),'):format(columns, words))
  end
  return out
end

local function rows_of(body, written, alignments)
  local out = pandoc.List()
  placed(body.body, function(_, column, cell)
    out:insert(('table.cell(%s)%s,'):format(options(cell, alignments[column], {}), content(cell, written)))
  end)
  return out
end

local function notes(t, written)
  local out = pandoc.List()
  for _, row in ipairs(t.foot.rows) do
    for _, cell in ipairs(row.cells) do
      local text = written(cell.contents)
      if text ~= '' then out:insert('[' .. text .. '],') end
    end
  end
  return table.concat(out, ' ')
end

-- a table as typst code; `written` turns blocks into markup, `label` an identifier into a label
function M.write(t, written, label)
  local alignments = pandoc.List(t.colspecs):map(function(spec) return ALIGNMENT[spec[1]] end)
  local count = #alignments
  local lines = pandoc.List {
    ('data-table(columns: %d, stub: %s, dense: %s, notes: (%s),')
      :format(count, stub(t, count, written), density(count), notes(t, written)),
    head(t, written, alignments),
  }
  for _, body in ipairs(t.bodies) do
    lines:extend(group(body, written, count))
    lines:extend(rows_of(body, written, alignments))
  end
  lines:insert(('table.hline(stroke: %s))'):format(THICK))
  local code = table.concat(lines, '\n')
  if #t.caption.long == 0 then return '#' .. code .. label(t.identifier) end
  local caption = written {pandoc.Plain(pandoc.utils.blocks_to_inlines(t.caption.long))}
  return ('#figure(kind: table, caption: [%s],\n%s)%s'):format(caption, code, label(t.identifier))
end

return M
