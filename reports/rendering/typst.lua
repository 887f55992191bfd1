-- What pandoc's typst writer leaves out or writes in another way: alt texts, tables, callouts, literal text. It runs
-- after qmd.lua and the citations.

local here = pandoc.path.directory(PANDOC_SCRIPT_FILE)
local tables = dofile(pandoc.path.join {here, 'typst-tables.lua'})
local WRITER = 'typst-smart-citations'
local INCHES = {['in'] = 1, cm = 1 / 2.54, mm = 1 / 25.4, pt = 1 / 72, px = 1 / 96, [''] = 1 / 96}
local faults = {}

local function fault(message)
  faults[#faults + 1] = message
end

local function raw(text)
  return pandoc.RawInline('typst', text)
end

-- a text as typst's string literal
local function literal(text)
  local escaped = text:gsub('[\\"]', '\\%0'):gsub('[\n\r\t]', ' ')
  return '"' .. escaped .. '"'
end

local function written(blocks)
  return (pandoc.write(pandoc.Pandoc(blocks), WRITER):gsub('%s+$', ''))
end

local function label(identifier)
  return identifier ~= '' and ' <' .. identifier .. '>' or ''
end

-- typst breaks no word that it cannot hyphenate, and a word without end would lie over what is beside it
local LONGEST, PART = 40, 20
local function breakable(word)
  if (utf8.len(word) or 0) <= LONGEST or word:match('://') then return word end
  local out, count = {}, 0
  for _, code in utf8.codes(word) do
    if count > 0 and count % PART == 0 then out[#out + 1] = '\u{200b}' end
    out[#out + 1] = utf8.char(code)
    count = count + 1
  end
  return table.concat(out)
end

-- markup would make something of `--`, `...`, `//`, `https://` and more: only plain words are left to it
local function text(str)
  local word = breakable(str.text)
  if not word:match('^%w+$') then return raw('#' .. literal(word) .. ';') end
end

local function equation(math, alt, number)
  local block = math.mathtype == 'DisplayMath'
  local body = written {pandoc.Plain {pandoc.Math(math.mathtype, math.text)}}
  return ('#math.equation(block: %s, %salt: %s, %s);'):format(tostring(block),
    number and ('numbering: _ => ' .. literal(number) .. ', ') or '', literal(alt or math.text), body)
end

local function unlabelled_equation(math)
  return raw(equation(math))
end

-- 1. images: found as pandoc finds them, and brought to where typst may read ---------------------------------------

local function contents(source)
  for _, folder in ipairs {'.', table.unpack(PANDOC_STATE.resource_path)} do
    local file = io.open(pandoc.path.join {folder, source}, 'rb')
    local bytes = file and file:read('a')
    if file then file:close() end
    if bytes then return bytes end
  end
end

local function unescaped(source)
  return (source:gsub('%%(%x%x)', function(code) return string.char(tonumber(code, 16)) end))
end

local function stored(image)
  local bytes = contents(image.src) or contents(unescaped(image.src))
  if not bytes then return fault('image ' .. image.src .. ' cannot be read') end
  local _, extension = pandoc.path.split_extension(image.src)
  local name = 'image-' .. pandoc.utils.sha1(bytes) .. extension:lower()
  local file = assert(io.open(name, 'wb'))
  file:write(bytes)
  file:close()
  local known, size = pcall(pandoc.image.size, bytes)
  if not known then return fault('image ' .. image.src .. ' is in a form that cannot be read') end
  return name, size
end

local function length(value)
  local number, unit = (value or ''):match('^%s*([%d.]+)%s*(%%?%a*)%s*$')
  if not number then return value and fault('no length for the pdf: ' .. value) end
  if unit == '%' then return number .. '% * text-width' end
  if not INCHES[unit] then return fault('no length for the pdf: ' .. value) end
  return ('%.4fin'):format(tonumber(number) * INCHES[unit])
end

local function picture(image)
  local alt = pandoc.utils.stringify(image.caption)
  local name, size = stored(image)
  if not name then return end
  local ratio = size.height / size.width
  local height = length(image.attributes.height)
  local width = length(image.attributes.width) or height and ('(%s) / %.6f'):format(height, ratio)
    or ('%.4fin'):format(size.width / 96)
  return raw(('#picture("%s", alt: %s, width: %s, ratio: %.6f);'):format(name, literal(alt), width, ratio))
end

-- 2. blocks -------------------------------------------------------------------------------------------------------

local function wrapped(open, blocks, close)
  local out = pandoc.Blocks {pandoc.RawBlock('typst', open)}
  out:extend(blocks)
  out:insert(pandoc.RawBlock('typst', close))
  return out
end

local function figure(element)
  local caption = written {pandoc.Plain(pandoc.utils.blocks_to_inlines(element.caption.long))}
  local open = ('#figure(kind: image, caption: [%s])['):format(caption)
  return wrapped(open, element.content, ']' .. label(element.identifier))
end

local function numbered_equation(div)
  local number = pandoc.utils.stringify(div.content[2])
  local math
  div.content[1]:walk {Math = function(found) math = math or found end}
  return pandoc.RawBlock('typst', equation(math, div.attributes.alt, number) .. label(div.identifier))
end

local function callout_kind(div)
  return div.classes:includes('callout') and div.classes[2]:match('^callout%-(%l+)$')
end

-- pandoc would write the values of such attributes as code
local function checked(element)
  for key in pairs(element.attributes) do
    if key:match('^typst:') then fault('attribute ' .. key .. ' needs Quarto') end
  end
end

local function block(div)
  checked(div)
  local kind = callout_kind(div)
  if kind then return wrapped(('#callout("%s")['):format(kind), div.content, ']' .. label(div.identifier)) end
  if div.classes:includes('pagebreak') then return pandoc.RawBlock('typst', '#pagebreak(weak: true)') end
  if div.classes:includes('csl-entry') then return wrapped('#entry[', div.content, ']' .. label(div.identifier)) end
end

local function equations(div)
  if div.classes:includes('equation') then return numbered_equation(div) end
end

local function data_table(t)
  return pandoc.RawBlock('typst', tables.write(t, written, label))
end

-- 3. the properties of the file -----------------------------------------------------------------------------------

local function listed(value)
  if value == nil then return pandoc.List() end
  return pandoc.utils.type(value) == 'List' and value or pandoc.List {value}
end

local function literals(value)
  return listed(value):map(function(item) return pandoc.Inlines {raw(literal(pandoc.utils.stringify(item)))} end)
end

local function properties(meta)
  meta['document-title'] = literals(meta.title or meta.pagetitle)[1]
  meta['document-author'] = literals(meta.author)
  meta['document-keywords'] = literals(meta.keywords)
  return meta
end

local function finish()
  if #faults > 0 then
    for _, message in ipairs(faults) do io.stderr:write('neurotrial: ' .. message .. '\n') end
    error('the document cannot be rendered')
  end
end

return {
  {Meta = properties},
  -- what is read as text, before it becomes code
  {Div = equations, Image = picture},
  {Str = text, Math = unlabelled_equation, Span = checked, Table = data_table, Figure = figure, Div = block},
  {Pandoc = finish},
}
