-- Word captions with fields that Word can renumber, and alt texts that survive.
--
-- Two users share this file: the builtin renderer loads it as a module, and a Quarto project names it among the
-- filters of its docx format, where it takes over the rendering of numbered figures and tables.

local M = {}

M.names = {fig = 'Figure', tbl = 'Table', eq = 'Equation', sec = 'Section'}

local function openxml(text)
  return pandoc.RawInline('openxml', text)
end

local function escape(text)
  return (text:gsub('&', '&amp;'):gsub('<', '&lt;'):gsub('>', '&gt;'))
end

local function field(instruction, shown, properties)
  local run = '<w:r>' .. (properties or '')
  return run .. '<w:fldChar w:fldCharType="begin"/></w:r>'
    .. run .. '<w:instrText xml:space="preserve"> ' .. instruction .. ' </w:instrText></w:r>'
    .. run .. '<w:fldChar w:fldCharType="separate"/></w:r>'
    .. run .. '<w:t xml:space="preserve">' .. escape(shown) .. '</w:t></w:r>'
    .. run .. '<w:fldChar w:fldCharType="end"/></w:r>'
end

-- Word cuts names of bookmarks at 40 characters
local function bookmark_name(prefix, identifier)
  local name = prefix .. identifier:gsub('[^%w]', '_')
  if #name > 40 then
    name = name:sub(1, 31) .. '_' .. pandoc.utils.sha1(identifier):sub(1, 8)
  end
  return name
end

-- far above the numbers that pandoc gives its own bookmarks
local last_bookmark = 90000

local function bookmarked(name, xml)
  last_bookmark = last_bookmark + 1
  return ('<w:bookmarkStart w:id="%d" w:name="%s"/>%s<w:bookmarkEnd w:id="%d"/>')
    :format(last_bookmark, name, xml, last_bookmark)
end

local BOLD = '<w:rPr><w:b/><w:bCs/></w:rPr>'

-- "Figure 1: ", with a bookmark for "Figure 1" and one for "1"
function M.label(kind, number, identifier)
  local name = M.names[kind]
  local counter = bookmarked(bookmark_name('refn_', identifier), field('SEQ ' .. name .. ' \\* ARABIC', number, BOLD))
  local whole = '<w:r>' .. BOLD .. '<w:t xml:space="preserve">' .. name .. '\u{a0}</w:t></w:r>' .. counter
  local colon = '<w:r>' .. BOLD .. '<w:t xml:space="preserve">: </w:t></w:r>'
  return openxml(bookmarked(bookmark_name('ref_', identifier), whole) .. colon)
end

-- the number of an equation, with its bookmark
function M.counter(kind, number, identifier)
  local counter = field('SEQ ' .. M.names[kind] .. ' \\* ARABIC', number)
  return openxml(bookmarked(bookmark_name('refn_', identifier), counter))
end

-- a reference to the whole label ("Figure 1") or to the number alone
function M.reference(identifier, shown, number_only)
  local name = bookmark_name(number_only and 'refn_' or 'ref_', identifier)
  -- without the switch Word would print the reference in the bold of the caption
  return openxml(field('REF ' .. name .. ' \\h \\* MERGEFORMAT', shown))
end

function M.tab()
  return openxml('<w:r><w:tab/></w:r>')
end

-- write the alt text where pandoc's Word writer looks for it
function M.with_alt(blocks, fallback)
  return blocks:walk {
    Image = function(image)
      local alt = image.attributes['fig-alt'] or fallback
      if alt then
        image.caption = pandoc.Inlines(alt)
        image.attributes['fig-alt'] = nil
      end
      return image
    end,
  }
end

function M.caption(kind, number, identifier, inlines)
  local caption = pandoc.Inlines {M.label(kind, number, identifier)}
  caption:extend(inlines)
  return {long = {pandoc.Plain(caption)}}
end

local function as_blocks(value)
  if pandoc.utils.type(value) == 'Blocks' then
    return value
  end
  return pandoc.Blocks {value}
end

local function first_table(blocks)
  local found
  blocks:walk {Table = function(t) found = found or t end}
  return found
end

-- Quarto's float as a plain Word table or figure, without the layout table that Quarto puts around it
local function quarto_float(float)
  local kind = float.type == 'Table' and 'tbl' or 'fig'
  local number = tostring(float.order and float.order.order or 0)
  local long = float.caption_long and pandoc.utils.blocks_to_inlines(as_blocks(float.caption_long)) or {}
  local caption = M.caption(kind, number, float.identifier, long)
  local content = as_blocks(float.content)
  local tab = kind == 'tbl' and first_table(content)
  if tab then
    tab.caption = caption
    tab.identifier = float.identifier
    return tab
  end
  local alt = float.attributes and float.attributes['fig-alt']
  return pandoc.Figure(M.with_alt(content, alt), caption, pandoc.Attr(float.identifier))
end

if quarto then
  local function is_word_float(float)
    return quarto.doc.is_format('docx') and (float.type == 'Table' or float.type == 'Figure')
  end
  local internals = quarto._quarto or _quarto
  internals.ast.add_renderer('FloatRefTarget', is_word_float, quarto_float)
  return {}
end

return M
