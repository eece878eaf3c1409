UPDATE tokens SET rights = '{promote}' WHERE name = 'ci';
