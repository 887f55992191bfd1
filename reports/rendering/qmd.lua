-- Quarto's Markdown on bare pandoc: conditional content, callouts, numbered floats, equations and cross-references.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local word = dofile(pandoc.path.join {here, '..', 'word-floats.lua'})
local html_tables = dofile(pandoc.path.join {here, 'html-tables.lua'})

local DOCX = FORMAT:match('docx') ~= nil
local TYPST = FORMAT:match('typst') ~= nil
local TARGET = DOCX and 'docx' or TYPST and 'typst' or 'html'
local PROGRAM = DOCX and 'Word' or TYPST and 'a pdf'
local CALLOUTS = {note = 'Note', tip = 'Tip', warning = 'Warning', important = 'Important', caution = 'Caution'}

-- characters beside each other for which a page has room, in landscape where it can be turned
local BROADEST = TYPST and 112 or DOCX and 120 or math.huge

-- columns of a table that may be wider than the text on a wide screen
local WIDE = 7

local counts = {fig = 0, tbl = 0, eq = 0}
local numbers = {}
local faults = {}

local function fault(message)
  faults[#faults + 1] = message
end

local function kind_of(identifier)
  local kind = identifier:match('^(%l+)%-')
  return kind and word.names[kind] and kind
end

local function styled(block, style)
  return pandoc.Div(block, pandoc.Attr('', {}, {['custom-style'] = style}))
end

-- 1. conditional content, tabsets, page breaks, HTML tables -------------------------------------------------------

local function is_shown(element)
  local when, unless = element.attributes['when-format'], element.attributes['unless-format']
  local hit = true
  if when then hit = when == TARGET end
  if unless then hit = hit and unless ~= TARGET end
  if element.classes:includes('content-hidden') then return not hit end
  return hit
end

local function conditional(element)
  if element.classes:includes('content-visible') or element.classes:includes('content-hidden') then
    return is_shown(element) and element.content or {}
  end
end

local function page_break()
  if DOCX then
    return pandoc.RawBlock('openxml', '<w:p><w:r><w:br w:type="page"/></w:r></w:p>')
  end
  return pandoc.Div({}, pandoc.Attr('', {'pagebreak'}))
end

local function unwrap(div)
  if div.classes:includes('panel-tabset') then return div.content end
  if div.classes:includes('pagebreak') then return page_break() end
  return conditional(div)
end

-- typst code could read files and call for packages from the network
local function refuse_typst(raw)
  if TYPST and raw.format == 'typst' then fault('raw typst needs Quarto: ' .. raw.text:sub(1, 60)) end
end

local function raw_block(raw)
  refuse_typst(raw)
  if raw.format ~= 'html' or raw.text:match('^%s*<!%-%-.*%-%->%s*$') then return end
  if raw.text:match('<[tT][aA][bB][lL][eE][%s>]') then return html_tables.read(raw.text) end
  if PROGRAM then fault('raw HTML has no form in ' .. PROGRAM .. ': ' .. raw.text:sub(1, 60)) end
end

local function raw_inline(raw)
  refuse_typst(raw)
  if PROGRAM and raw.format == 'html' and not raw.text:match('^<!%-%-') then
    fault('raw HTML has no form in ' .. PROGRAM .. ': ' .. raw.text:sub(1, 60))
  end
end

-- 2. callouts, before sections are counted: their titles may be written as headings -------------------------------

local function callout_kind(div)
  for _, class in ipairs(div.classes) do
    local kind = class:match('^callout%-(%l+)$')
    if CALLOUTS[kind] then return kind end
  end
end

local function callout(div)
  local kind = callout_kind(div)
  if not kind then return end
  local title = div.attributes.title and pandoc.Inlines(div.attributes.title)
  if div.content[1] and div.content[1].t == 'Header' then title = div.content:remove(1).content end
  local head = pandoc.Para {pandoc.Strong(title or pandoc.Inlines(CALLOUTS[kind]))}
  if DOCX then return {styled(head, 'Callout Title'), styled(div.content, 'Callout')} end
  div.content:insert(1, head)
  return pandoc.Div(div.content, pandoc.Attr(div.identifier, {'callout', 'callout-' .. kind}, {role = 'note'}))
end

-- 3. numbered floats: divs and tables with a label become Figure and Table ----------------------------------------

local function is_paragraph(block)
  return block and (block.t == 'Para' or block.t == 'Plain')
    and not (#block.content == 1 and block.content[1].t == 'Image')
end

local function take_caption(blocks, identifier)
  if #blocks < 2 or not is_paragraph(blocks[#blocks]) then
    fault(identifier .. ' has no content with a caption as the last paragraph')
    return pandoc.Inlines {}
  end
  return blocks:remove().content
end

local function flatten(blocks)
  return blocks:walk {Div = function(div) return div.content end}
end

local function table_of(blocks)
  for position, block in ipairs(blocks) do
    if block.t == 'Table' then return position, block end
  end
end

local function labelled_table(blocks, caption, identifier)
  local flat = flatten(blocks)
  local _, t = table_of(flat)
  if not t then
    return pandoc.Figure(blocks, {long = {pandoc.Plain(caption)}}, pandoc.Attr(identifier))
  end
  if #t.caption.long > 0 then fault('the table in ' .. identifier .. ' has a second caption') end
  t.caption = {long = {pandoc.Plain(caption)}}
  t.identifier = identifier
  return flat
end

local function labelled_div(div)
  local kind = kind_of(div.identifier)
  if kind ~= 'fig' and kind ~= 'tbl' then return end
  local blocks = pandoc.Blocks(div.content)
  local caption = take_caption(blocks, div.identifier)
  if kind == 'tbl' then return labelled_table(blocks, caption, div.identifier), false end
  blocks:walk {Figure = function() fault('the image in ' .. div.identifier .. ' has a second caption') end}
  return pandoc.Figure(blocks, {long = {pandoc.Plain(caption)}}, pandoc.Attr(div.identifier)), false
end

-- 4. numbers in document order ------------------------------------------------------------------------------------

local function count(kind, identifier)
  if numbers[identifier] then fault('label ' .. identifier .. ' is used twice') end
  counts[kind] = counts[kind] + 1
  numbers[identifier] = tostring(counts[kind])
  return numbers[identifier]
end

local function html_caption(kind, number, inlines)
  local label = word.names[kind] .. '\u{a0}' .. number .. ':'
  local caption = pandoc.Inlines {pandoc.Span(label, pandoc.Attr('', {'float-label'})), pandoc.Space()}
  caption:extend(inlines)
  return {long = {pandoc.Plain(caption)}}
end

local function number_float(element)
  local kind = kind_of(element.identifier)
  if kind ~= 'fig' and kind ~= 'tbl' then return end
  local inlines = pandoc.utils.blocks_to_inlines(element.caption.long)
  if #inlines == 0 then fault(element.identifier .. ' has no caption') end
  local number = count(kind, element.identifier)
  if DOCX then
    element.caption = word.caption(kind, number, element.identifier, inlines)
  else
    element.caption = html_caption(kind, number, inlines)
  end
  return element
end

local levels = {}

local function number_section(header)
  if header.classes:includes('unnumbered') then return end
  for level = #levels, header.level + 1, -1 do levels[level] = nil end
  for level = 1, header.level do levels[level] = levels[level] or 0 end
  levels[header.level] = levels[header.level] + 1
  if kind_of(header.identifier) == 'sec' then
    if numbers[header.identifier] then fault('label ' .. header.identifier .. ' is used twice') end
    numbers[header.identifier] = table.concat(levels, '.')
  end
end

local function equation_parts(paragraph)
  local content = paragraph.content
  for position, inline in ipairs(content) do
    if inline.t == 'Math' and inline.mathtype == 'DisplayMath' then
      local tail = pandoc.Inlines {table.unpack(content, position + 1)}
      local text = pandoc.utils.stringify(tail)
      return inline, text:match('^%s*{#(eq%-[%w_-]+)[^{}]*}%s*$'), position, text
    end
  end
end

local function equation(paragraph)
  local math, identifier, position, text = equation_parts(paragraph)
  if not identifier then
    if text and text:match('#eq%-') then fault('an equation label that cannot be read: ' .. text) end
    return
  end
  if position > 1 then
    fault('equation ' .. identifier .. ' needs a paragraph of its own')
    return
  end
  local number = count('eq', identifier)
  if DOCX then
    -- display style needs a paragraph without any other text, where the number could not stand
    local inline_math = pandoc.Math('InlineMath', math.text)
    return styled(pandoc.Para {word.tab(), inline_math, word.tab(), pandoc.Str('('),
      word.counter('eq', number, identifier), pandoc.Str(')')}, 'Equation')
  end
  local shown = pandoc.Span('(' .. number .. ')', pandoc.Attr('', {'equation-number'}))
  local alt = TYPST and {alt = text:gsub('\u{201c}', '"'):gsub('\u{201d}', '"'):match('%salt="([^"]*)"')} or {}
  return pandoc.Div({pandoc.Para {math}, pandoc.Para {shown}}, pandoc.Attr(identifier, {'equation'}, alt))
end

-- 5. cross-references ---------------------------------------------------------------------------------------------

local function reference(citation)
  local identifier = citation.id:sub(1, 1):lower() .. citation.id:sub(2)
  local kind, number = kind_of(identifier), numbers[identifier]
  if not number then
    fault('@' .. citation.id .. ' refers to no label')
    return pandoc.Inlines {}
  end
  local out = pandoc.Inlines(citation.prefix)
  if #out > 0 then out:insert(pandoc.Str('\u{a0}')) end
  local number_only = citation.mode == 'SuppressAuthor' or #citation.prefix > 0
  local name = number_only and '' or word.names[kind] .. '\u{a0}'
  if not DOCX or kind == 'sec' then
    out:insert(pandoc.Link(name .. number, '#' .. identifier, '', pandoc.Attr('', {'quarto-xref'})))
  elseif kind == 'eq' then
    out:extend {pandoc.Str(name), word.reference(identifier, number, true)}
  else
    out:insert(word.reference(identifier, name .. number, number_only))
  end
  return out
end

local function cross_reference(cite)
  local out = pandoc.Inlines {}
  for position, citation in ipairs(cite.citations) do
    local identifier = citation.id:sub(1, 1):lower() .. citation.id:sub(2)
    if not kind_of(identifier) then return end
    if #citation.suffix > 0 then fault('text after @' .. citation.id .. ' in one bracket') end
    if position > 1 then out:extend {pandoc.Str(','), pandoc.Space()} end
    out:extend(reference(citation))
  end
  return out
end

-- 6. images and tables as the format wants them -------------------------------------------------------------------

local function checked_image(image)
  local alt = image.attributes['fig-alt'] or pandoc.utils.stringify(image.caption)
  if alt:match('^%s*$') then fault('image ' .. image.src .. ' has no alt text') end
end

-- an interval in brackets, and a number with its percent sign, are not broken between lines of a cell
local function is_held(before, after, next)
  local function starts(word) return word:gsub('^\u{2212}', ''):match('^%d') end
  if after:match('^%%') then return before:match('%d$') end
  if after == 'to' then return before:match('^%(') and before:match('%d$') and starts(next) end
  return before == '\u{a0}to' and starts(after)
end

local function held(inlines)
  local out = pandoc.Inlines {}
  for position, inline in ipairs(inlines) do
    local function word(offset)
      local found = inlines[position + offset]
      return found and found.t == 'Str' and found.text or ''
    end
    local last = out[#out]
    local before = last and last.t == 'Str' and last.text:match('\u{a0}to$') or word(-1)
    if inline.t == 'Space' and is_held(before, word(1), word(3)) then
      last.text = last.text .. '\u{a0}'
    elseif inline.t == 'Str' and last and last.t == 'Str' and last.text:match('\u{a0}$') then
      last.text = last.text .. inline.text
    else
      out:insert(inline)
    end
  end
  return out
end

-- characters of the longest words of all columns beside each other
local function breadth(t)
  local longest = {}
  html_tables.each_row(t, function(row)
    for column, cell in ipairs(row.cells) do
      local words = pandoc.utils.stringify(cell.contents):gmatch('[^ ]+')
      for word in cell.col_span == 1 and words or function() end do
        longest[column] = math.max(longest[column] or 0, utf8.len(word) or #word)
      end
    end
  end)
  local sum = 0
  for _, count in pairs(longest) do sum = sum + count end
  return sum
end

local function held_cells(t)
  local out = t:walk {Plain = function(plain) return pandoc.Plain(held(plain.content)) end}
  return breadth(out) <= BROADEST and out or nil
end

local function bold(cell)
  cell.contents = cell.contents:walk {
    Plain = function(plain) return #plain.content > 0 and pandoc.Plain {pandoc.Strong(plain.content)} or nil end,
  }
end

local function word_table(t)
  html_tables.each_row(t, function(row, part)
    if part == 'head' or part == 'group' then
      for _, cell in ipairs(row.cells) do bold(cell) end
    end
  end)
  local notes = pandoc.Blocks {}
  for _, row in ipairs(t.foot.rows) do
    for _, cell in ipairs(row.cells) do
      local inlines = pandoc.utils.blocks_to_inlines(cell.contents)
      if #inlines > 0 then notes:insert(styled(pandoc.Para(inlines), 'Table Note')) end
    end
  end
  t.foot = pandoc.TableFoot()
  local out = pandoc.Blocks {t}
  out:extend(notes)
  return out
end

local function html_table(t)
  html_tables.each_row(t, function(row, part)
    for _, cell in ipairs(row.cells) do
      if part == 'foot' or part == 'body' and cell.attributes.scope ~= 'row' then
        cell.attributes.scope = nil
      elseif part == 'group' then
        cell.attributes.scope = 'colgroup'
      elseif part == 'head' and #cell.contents == 0 then
        -- the corner above row labels heads nothing
        cell.attributes.scope, cell.attributes.role = nil, 'cell'
      elseif part == 'head' then
        cell.attributes.scope = cell.col_span > 1 and 'colgroup' or 'col'
      end
    end
  end)
  return pandoc.Div(t, pandoc.Attr('', #t.colspecs >= WIDE and {'table-scroll', 'wide'} or {'table-scroll'}))
end

local function finish(document)
  document.blocks = word.with_alt(document.blocks)
  if #faults > 0 then
    for _, message in ipairs(faults) do io.stderr:write('neurotrial: ' .. message .. '\n') end
    error('the document cannot be rendered')
  end
  return document
end

return {
  {Div = unwrap, Span = conditional},
  {RawBlock = raw_block, RawInline = raw_inline},
  {Div = callout},
  {traverse = 'topdown', Div = labelled_div},
  {traverse = 'topdown', Header = number_section, Figure = number_float, Table = number_float, Para = equation},
  {Cite = cross_reference, Image = checked_image},
  {Table = held_cells},
  {Table = DOCX and word_table or not TYPST and html_table or nil},
  {Pandoc = finish},
}
