"""Drives a running LibreOffice: run with the system's python, which has `uno`. No part of the project is imported.

uno_client.py PIPE read FILE PASSWORD             prints the rows of the first sheet as JSON
uno_client.py PIPE edit FILE PASSWORD CELL TEXT … puts texts into cells and saves; a cell of another sheet is SHEET.CELL
  Instead of a cell and a text: -row 5, -column C (removes them), sort C (rows by a column, downwards), move CF (a
  column before another)
uno_client.py PIPE open FILE PASSWORD             opens it and leaves it open
uno_client.py PIPE save FILE PASSWORD CELL TEXT … the same as edit in the one that is open
uno_client.py PIPE shut FILE PASSWORD             closes the one that is open
"""

import json
import sys
import time

import uno
from com.sun.star.beans import PropertyValue
from com.sun.star.table import TableSortField


def value(name, content):
    made = PropertyValue()
    made.Name, made.Value = name, content
    return made


def desktop(pipe):
    local = uno.getComponentContext()
    resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
    for _ in range(300):
        try:
            context = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
            return context.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        except Exception:
            time.sleep(0.1)
    sys.exit("LibreOffice does not answer")


def column(name):
    return sum((ord(letter) - 64) * 26**n for n, letter in enumerate(reversed(name))) - 1


def used(sheet):
    cursor = sheet.createCursor()
    cursor.gotoEndOfUsedArea(False)
    return sheet.getCellRangeByPosition(0, 0, cursor.RangeAddress.EndColumn, cursor.RangeAddress.EndRow)


def rearrange(sheet, what, text):
    if what == "-row":
        sheet.Rows.removeByIndex(int(text) - 1, 1)
    elif what == "-column":
        sheet.Columns.removeByIndex(column(text), 1)
    elif what == "sort":
        field = TableSortField()
        field.Field, field.IsAscending = column(text), False
        fields = uno.Any("[]com.sun.star.table.TableSortField", (field,))
        used(sheet).sort((value("SortFields", fields), value("ContainsHeader", True)))
    elif what == "move":
        start, end = column(text[0]), column(text[1])
        sheet.Columns.insertByIndex(end, 1)
        start += start >= end
        source = sheet.Columns.getByIndex(start).RangeAddress
        sheet.moveRange(sheet.getCellByPosition(end, 0).CellAddress, source)
        sheet.Columns.removeByIndex(start, 1)
    else:
        return False
    return True


def fill(document, given):
    for place, text in zip(given[::2], given[1::2], strict=True):
        if rearrange(document.Sheets.getByIndex(0), place, text):
            continue
        *title, cell = place.split(".")
        if title and not document.Sheets.hasByName(title[0]):
            document.Sheets.insertNewByName(title[0], document.Sheets.Count)
        sheet = document.Sheets.getByName(title[0]) if title else document.Sheets.getByIndex(0)
        target = sheet.getCellRangeByName(cell)
        if text.startswith("#"):  # a number
            target.Value = float(text[1:])
        else:
            target.String = text
    document.store()
    print(json.dumps("saved"))


def rows(document):
    area = used(document.Sheets.getByIndex(0))
    shown = [[area.getCellByPosition(c, r).String for c in range(area.Columns.Count)] for r in range(area.Rows.Count)]
    print(json.dumps({"sheets": document.Sheets.ElementNames, "rows": shown}))


def already_open(pipe, url):
    found = desktop(pipe).Components.createEnumeration()
    while found.hasMoreElements():
        document = found.nextElement()
        if url == document.URL:
            return document
    sys.exit("it is not open")


def main(pipe, command, file, password, *given):
    url = uno.systemPathToFileUrl(file)
    if command in ("save", "shut"):
        document = already_open(pipe, url)
        if command == "save":
            fill(document, given)
        else:
            document.close(True)
            print(json.dumps("shut"))
        return
    options = (value("Hidden", True), value("Password", password))
    try:
        document = desktop(pipe).loadComponentFromURL(url, "_blank", 0, options)
    except Exception as error:
        document = None
        print(type(error).__name__, file=sys.stderr)
    if document is None:
        print(json.dumps(None))
        return
    if command == "open":
        print(json.dumps("open"))
        return
    rows(document) if command == "read" else fill(document, given)
    document.close(True)


main(*sys.argv[1:])
