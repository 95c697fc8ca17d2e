# A syntax error shows the query with a caret under the column, before any spool is looked for.
ray query 'account:bob and (from:x'
ray query 'acount:bob'
ray query 'size:>10q'
ray query 'from:/[/'
ray delete 'account:bob or'
ray query $'to:\e[31m ) x'
