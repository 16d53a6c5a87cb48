"""Drives a running LibreOffice: run with the system's python, which has `uno`. No part of the project is imported.

uno_client.py PIPE read FILE PASSWORD           prints the rows of the first sheet as JSON
uno_client.py PIPE edit FILE PASSWORD CELL TEXT puts a text into a cell and saves
"""

import json
import sys
import time

import uno
from com.sun.star.beans import PropertyValue


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


def main(pipe, command, file, password, *given):
    options = (value("Hidden", True), value("Password", password))
    try:
        document = desktop(pipe).loadComponentFromURL(uno.systemPathToFileUrl(file), "_blank", 0, options)
    except Exception as error:
        document = None
        print(type(error).__name__, file=sys.stderr)
    if document is None:
        print(json.dumps(None))
        return
    sheet = document.Sheets.getByIndex(0)
    if command == "read":
        cursor = sheet.createCursor()
        cursor.gotoEndOfUsedArea(False)
        area = sheet.getCellRangeByPosition(0, 0, cursor.RangeAddress.EndColumn, cursor.RangeAddress.EndRow)
        shown = [
            [area.getCellByPosition(c, r).String for c in range(area.Columns.Count)] for r in range(area.Rows.Count)
        ]
        print(json.dumps({"sheets": document.Sheets.ElementNames, "rows": shown}))
    else:
        cell, text = given
        sheet.getCellRangeByName(cell).String = text
        document.store()
        print(json.dumps("saved"))
    document.close(True)


main(*sys.argv[1:])
