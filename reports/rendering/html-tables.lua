-- HTML tables, as great_tables and pandas write them, to tables that every format can show.

local M = {}

local ALIGNMENT = {gt_left = 'AlignLeft', gt_center = 'AlignCenter', gt_right = 'AlignRight'}

local function each_row(t, visit)
  for _, row in ipairs(t.head.rows) do visit(row, 'head') end
  for _, body in ipairs(t.bodies) do
    for _, row in ipairs(body.head) do visit(row, 'group') end
    for _, row in ipairs(body.body) do visit(row, 'body') end
  end
  for _, row in ipairs(t.foot.rows) do visit(row, 'foot') end
end

M.each_row = each_row

local function wrap(blocks, constructor)
  for _, block in ipairs(blocks) do
    if (block.t == 'Plain' or block.t == 'Para') and #block.content > 0 then
      block.content = pandoc.Inlines {constructor(block.content)}
    end
  end
  return blocks
end

local function indent(blocks, level)
  local first = blocks[1]
  if first and (first.t == 'Plain' or first.t == 'Para') then
    first.content:insert(1, pandoc.Str(('\u{2003}'):rep(level)))
  end
end

local function declaration(style, property)
  return (style or ''):match(property .. '%s*:%s*([%w-]+)')
end

-- what great_tables says by classes and inline styles, said by the table itself
local function plain_cell(cell)
  local style = cell.attributes.style
  local aligned = declaration(style, 'text%-align')
  local by_style = {left = 'AlignLeft', center = 'AlignCenter', right = 'AlignRight'}
  cell.alignment = by_style[aligned] or cell.alignment
  for _, class in ipairs(cell.classes) do
    cell.alignment = ALIGNMENT[class] or cell.alignment
    local level = class:match('^gt_indent_(%d)$')
    if level then indent(cell.contents, tonumber(level)) end
  end
  local contents = cell.contents
  if declaration(style, 'font%-weight') == 'bold' then contents = wrap(contents, pandoc.Strong) end
  if declaration(style, 'font%-style') == 'italic' then contents = wrap(contents, pandoc.Emph) end
  cell.contents = contents
  local scope = cell.attributes.scope
  cell.attr = pandoc.Attr('', {}, scope and {scope = scope} or {})
end

local function plain_span(span)
  if span.classes:includes('gt_footnote_marks') then
    return pandoc.Superscript(span.content)
  end
  return span.content
end

-- group headings become the heads of their own bodies; then the stub can be a column of row headers
local function regroup(t)
  local bodies = pandoc.List()
  for _, body in ipairs(t.bodies) do
    local current = pandoc.List()
    local head = pandoc.List(body.head)
    local function flush()
      if #current > 0 or #head > 0 then
        local stub = #current > 0
        for _, row in ipairs(current) do
          stub = stub and row.cells[1] ~= nil and row.cells[1].attributes.scope == 'row'
        end
        bodies:insert({
          attr = pandoc.Attr(), head = head, body = current,
          row_head_columns = stub and 1 or body.row_head_columns,
        })
      end
    end
    for _, row in ipairs(body.body) do
      if row.classes:includes('gt_group_heading_row') then
        flush()
        head, current = pandoc.List {row}, pandoc.List()
      else
        current:insert(row)
      end
    end
    flush()
  end
  t.bodies = bodies
end

local function plain_table(t)
  regroup(t)
  each_row(t, function(row)
    for _, cell in ipairs(row.cells) do plain_cell(cell) end
    row.attr = pandoc.Attr()
  end)
  t.attr = pandoc.Attr()
  return t:walk {Span = plain_span}
end

-- read a piece of HTML that holds a table; its style sheet and wrapping divs are dropped
function M.read(html)
  local blocks = pandoc.read(html, 'html').blocks
  local drop = function(raw)
    if raw.format == 'html' then return {} end
  end
  blocks = blocks:walk {RawBlock = drop, RawInline = drop, Div = function(div) return div.content end}
  blocks = blocks:walk {Table = plain_table}
  return blocks:filter(function(block)
    return not ((block.t == 'Plain' or block.t == 'Para') and #block.content == 0)
  end)
end

return M
