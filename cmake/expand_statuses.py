"""expand_statuses.py: prints a header with its list of statuses written out as documented enumerators, for Doxygen."""
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    text = file.read()
rows = re.findall(r'X\((\w+), (\d+), "([^"]*)"\)', text)
enumerators = "".join(f"{name} = {value}, /**< {meaning} */\n" for name, value, meaning in rows)
text = re.sub(r"#(?:define TC_STATUS_ENUM\(.*|undef TC_STATUS_ENUM)\n", "", text)
sys.stdout.write(text.replace("    TC_STATUS_LIST(TC_STATUS_ENUM)\n", enumerators))
