//! What a DDL command did, from its parse tree.

use super::call::Call;
use super::tree::{list, tag};
use pgrx::pg_sys::{self, NodeTag};

/// The kinds of change that views must follow.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub struct Change {
    /// A partition or child was made, and is empty.
    pub member_made: bool,
    /// A table with rows became a partition or child.
    pub member_came: bool,
    /// A partition or child went, and its rows with it.
    pub member_went: bool,
    /// The command named the table that it went from.
    pub went_from_named: bool,
    /// Triggers were enabled or disabled.
    pub triggers: bool,
    /// What may not happen to a source at all, such as row-level security.
    pub security: bool,
    pub owner: bool,
    /// SET LOGGED or UNLOGGED.
    pub persistence: bool,
    /// A view was replaced by another definition.
    pub view_replaced: bool,
    /// Types, which need not be of any view.
    pub types: Option<Altered>,
}

/// What became of types, as far as stored values of them tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Altered {
    /// A type, a collation or what it is in has another name.
    Name,
    /// A label of an enum has.
    Label,
    /// An attribute of a row has.
    Attribute,
    /// Of what their values consist.
    Form,
}

impl Change {
    /// Whether relations changed.
    pub fn any(self) -> bool {
        Change { types: None, ..self } != Change::default()
    }

    /// Of the command that an event trigger was called for.
    pub fn of(call: &Call) -> Change {
        let mut change = Change::default();
        unsafe {
            let context = (*call.fcinfo()).context;
            if context.is_null() || (*context).type_ != NodeTag::T_EventTriggerData {
                return change;
            }
            let statement = (*context.cast::<pg_sys::EventTriggerData>()).parsetree;
            if statement.is_null() {
                return change;
            }
            match tag(statement) {
                NodeTag::T_CreateStmt => {
                    let create = statement.cast::<pg_sys::CreateStmt>();
                    change.member_made = !(*create).partbound.is_null() || !(*create).inhRelations.is_null();
                }
                NodeTag::T_CreateForeignTableStmt => change.member_made = true,
                NodeTag::T_AlterTableStmt => {
                    for command in list::<pg_sys::AlterTableCmd>((*statement.cast::<pg_sys::AlterTableStmt>()).cmds) {
                        change.add((*command).subtype);
                    }
                }
                NodeTag::T_ViewStmt if (*statement.cast::<pg_sys::ViewStmt>()).replace => (change.view_replaced, change.types) = (true, Some(Altered::Form)),
                NodeTag::T_RenameStmt => change.types = renamed((*statement.cast::<pg_sys::RenameStmt>()).renameType),
                NodeTag::T_AlterObjectSchemaStmt => change.types = Some(Altered::Name),
                NodeTag::T_AlterEnumStmt if !(*statement.cast::<pg_sys::AlterEnumStmt>()).oldVal.is_null() => change.types = Some(Altered::Label),
                NodeTag::T_AlterTypeStmt => change.types = Some(Altered::Form),
                NodeTag::T_AlterOwnerStmt => change.owner = true,
                _ => {}
            }
        }
        change
    }

    fn add(&mut self, command: pg_sys::AlterTableType::Type) {
        use pg_sys::AlterTableType as At;
        match command {
            At::AT_AttachPartition | At::AT_AddInherit => self.member_came = true,
            At::AT_DetachPartition | At::AT_DetachPartitionFinalize => (self.member_went, self.went_from_named) = (true, true),
            At::AT_DropInherit => self.member_went = true,
            At::AT_EnableTrig | At::AT_EnableAlwaysTrig | At::AT_EnableReplicaTrig | At::AT_DisableTrig | At::AT_EnableTrigAll | At::AT_DisableTrigAll | At::AT_EnableTrigUser
            | At::AT_DisableTrigUser => self.triggers = true,
            At::AT_EnableRowSecurity | At::AT_ForceRowSecurity => self.security = true,
            At::AT_SetLogged | At::AT_SetUnLogged => self.persistence = true,
            At::AT_ChangeOwner => self.owner = true,
            At::AT_AddColumn | At::AT_DropColumn | At::AT_AlterColumnType => self.types = Some(Altered::Form),
            _ => {}
        }
    }
}

/// Whether what has another name is a type, something that types are in or come with, or a part of one.
fn renamed(object: pg_sys::ObjectType::Type) -> Option<Altered> {
    use pg_sys::ObjectType as Of;
    match object {
        Of::OBJECT_ATTRIBUTE | Of::OBJECT_COLUMN => Some(Altered::Attribute),
        Of::OBJECT_TABCONSTRAINT | Of::OBJECT_DOMCONSTRAINT => None,
        _ => Some(Altered::Name),
    }
}
