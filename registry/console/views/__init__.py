"""What pages show and forms do, a module a place of the menu: each has PAGES, FORMS and DOWNLOADS where it has any."""
